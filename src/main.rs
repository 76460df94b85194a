//! The command `elbo`: see `elbo --help`.

use std::process::ExitCode;

fn main() -> ExitCode {
    elbo::cli::main()
}
