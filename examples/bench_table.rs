//! Writes what `cargo bench` measured into the README, between its two `bench` comments, with machine and date.
//!
//! ```sh
//! cargo bench && cargo run --release --example bench_table
//! ```

use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::Command;

const BEGIN: &str = "<!-- bench -->";
const END: &str = "<!-- /bench -->";

/// A benchmark: its group, its name in the group, and how many million elements it does in a second.
type Row = (String, String, f64);

fn main() -> Result<(), String> {
    let mut rows = rows(Path::new("target/criterion"))?;
    rows.sort_by(|a, b| (&a.0, &a.1).cmp(&(&b.0, &b.1)));
    let mut table = format!("Measured by `cargo bench` on {}, {}.\n\n", machine(), date());
    table += "| benchmark | row | rate |\n|---|---|---|\n";
    let mut last = String::new();
    for (group, name, rate) in rows {
        let shown = if group == last { "" } else { &group };
        table += &format!("| {shown} | {name} | {} |\n", rated(&group, rate));
        last = group;
    }
    let readme = fs::read_to_string("README.md").map_err(|e| format!("README.md: {e}"))?;
    let (before, rest) = readme.split_once(BEGIN).ok_or("README.md: no bench comment")?;
    let (_, after) = rest.split_once(END).ok_or("README.md: no second bench comment")?;
    let text = format!("{before}{BEGIN}\n{table}{END}{after}");
    fs::write("README.md", text).map_err(|e| format!("README.md: {e}"))
}

/// All benchmarks that criterion left under a folder.
fn rows(dir: &Path) -> Result<Vec<Row>, String> {
    let read = |path: &Path| -> Result<Value, String> {
        let text = fs::read_to_string(path).map_err(|e| format!("{}: {e}; run cargo bench first", path.display()))?;
        serde_json::from_str(&text).map_err(|e| format!("{}: {e}", path.display()))
    };
    let mut rows = Vec::new();
    let entries = fs::read_dir(dir).map_err(|e| format!("{}: {e}; run cargo bench first", dir.display()))?;
    for path in entries.filter_map(|entry| Some(entry.ok()?.path())).filter(|path| path.is_dir()) {
        if path.file_name().is_some_and(|name| name == "new") {
            let (about, estimates) = (read(&path.join("benchmark.json"))?, read(&path.join("estimates.json"))?);
            let text = |key: &str| about[key].as_str().unwrap_or_default().to_string();
            let nanoseconds = estimates["median"]["point_estimate"].as_f64().ok_or("an estimate without a median")?;
            let elements = about["throughput"]["Elements"].as_f64().ok_or("a benchmark without its elements")?;
            rows.push((text("group_id"), text("function_id"), 1e3 * elements / nanoseconds));
        } else {
            rows.extend(self::rows(&path)?);
        }
    }
    Ok(rows)
}

/// Millions of elements a second, in the terms of the benchmark.
fn rated(group: &str, rate: f64) -> String {
    match group {
        "vae_step" => format!("{:.2} ms a step, {:.0} images/s", 128.0 / rate / 1e3, 1e6 * rate),
        "suggest" => format!("{:.3} ms", 1e-3 / rate),
        "adam" => format!("{:.2} ns a weight", 1e3 / rate),
        "tape_overhead" => format!("{:.2} µs an op", 1.0 / rate),
        _ if group.starts_with("gemm") => format!("{:.0} GFLOP/s", rate / 1e3),
        _ => format!("{:.2} ns an element", 1e3 / rate),
    }
}

fn machine() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": ")).map(|(_, name)| name);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    format!("{} with {cores} cores", name.unwrap_or("a machine that does not say its name"))
}

fn date() -> String {
    let output = Command::new("date").args(["-u", "+%F"]).output();
    output.map_or("on an unknown day".into(), |o| String::from_utf8_lossy(&o.stdout).trim().to_string())
}
