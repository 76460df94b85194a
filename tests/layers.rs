//! The architecture holds: a module uses only what stands to its right, and `unsafe` stays in the kernels.

use std::fs;
use std::path::{Path, PathBuf};

/// Each module with what it may use, besides itself.
const MAY_USE: [(&str, &[&str]); 21] = [
    ("error", &[]),
    ("files", &["error"]),
    ("stats", &[]),
    ("kernels", &["error"]),
    ("rng", &["kernels"]),
    ("tensor", &["rng", "kernels", "error"]),
    ("autograd", &["tensor", "rng", "kernels", "error"]),
    ("ops", &["autograd", "tensor", "kernels", "error"]),
    ("nn", &["ops", "autograd", "tensor", "rng", "kernels", "error"]),
    ("dist", &["ops", "autograd", "tensor", "rng", "kernels", "error"]),
    ("loss", &["dist", "ops", "autograd", "tensor", "kernels", "error"]),
    ("optim", &["nn", "ops", "autograd", "tensor", "kernels", "error"]),
    ("data", &["rng", "kernels", "files", "error"]),
    ("train", &["data", "nn", "optim", "autograd", "tensor", "rng", "kernels", "files", "error"]),
    (
        "models",
        &["train", "data", "nn", "dist", "loss", "optim", "ops", "autograd", "tensor", "rng", "kernels", "error"],
    ),
    ("plot", &["error"]),
    ("report", &["error"]),
    (
        "lab",
        &[
            "train", "report", "plot", "models", "data", "nn", "loss", "optim", "autograd", "tensor", "rng", "kernels",
            "stats", "files", "error",
        ],
    ),
    ("search", &["rng", "kernels", "files", "error"]),
    ("tune", &["search", "lab", "models", "train", "report", "plot", "data", "optim", "stats", "files", "error"]),
    (
        "cli",
        &[
            "tune", "search", "lab", "train", "report", "plot", "models", "data", "nn", "optim", "ops", "autograd",
            "kernels", "files", "error",
        ],
    ),
];

/// The Rust files below a folder.
fn sources(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).unwrap().map(|e| e.unwrap().path());
    let mut files: Vec<PathBuf> = entries
        .flat_map(|p| if p.is_dir() { sources(&p) } else { vec![p] })
        .filter(|p| p.extension().is_some_and(|e| e == "rs"))
        .collect();
    files.sort();
    files
}

/// The module of a file below `src`: its first folder, or its own name.
fn module(path: &Path) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let first = path.strip_prefix(root).unwrap().components().next().unwrap().as_os_str().to_str().unwrap().to_string();
    first.trim_end_matches(".rs").to_string()
}

/// The part of a source before its tests.
fn without_tests(text: &str) -> &str {
    text.split("#[cfg(test)]").next().unwrap()
}

#[test]
fn a_module_uses_only_what_is_below_it() {
    let mut seen = 0;
    for path in sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src")) {
        let own = module(&path);
        if ["lib", "main"].contains(&own.as_str()) || path.ends_with("tests.rs") {
            continue;
        }
        let allowed = MAY_USE.iter().find(|(m, _)| *m == own).unwrap_or_else(|| panic!("{own} is not in the table")).1;
        let text = fs::read_to_string(&path).unwrap();
        for (i, line) in without_tests(&text).lines().enumerate() {
            if line.trim_start().starts_with("//") {
                continue;
            }
            for used in line.split("crate::").skip(1) {
                let used = used.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap();
                if MAY_USE.iter().any(|(m, _)| *m == used) {
                    seen += 1;
                    let fits = used == own || allowed.contains(&used);
                    assert!(fits, "{}:{}: {own} uses {used}", path.display(), i + 1);
                }
            }
        }
    }
    assert!(seen > 100, "the test read {seen} uses");
}

#[test]
fn flags_are_known_to_the_command_line_alone() {
    for path in sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src")) {
        if path.ends_with("tests.rs") {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        for (i, line) in
            without_tests(&text).lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//"))
        {
            let is_flag = |after: &str| after.starts_with(|c: char| c.is_ascii_lowercase());
            let names_one = line.split("--").skip(1).any(is_flag);
            assert!(!names_one || module(&path) == "cli", "{}:{}: {line}", path.display(), i + 1);
        }
    }
}

#[test]
fn unsafe_code_stands_only_in_the_kernels_and_says_why_it_is_safe() {
    for path in sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src")) {
        let text = fs::read_to_string(&path).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        for (i, line) in lines.iter().enumerate() {
            let code = line.split("//").next().unwrap();
            if !code.contains("unsafe {") && !code.contains("unsafe impl") {
                continue;
            }
            let at = format!("{}:{}", path.display(), i + 1);
            assert_eq!(module(&path), "kernels", "{at}");
            let said = lines[i.saturating_sub(5)..i].iter().any(|l| l.contains("SAFETY:"));
            assert!(said, "{at}: no SAFETY line");
        }
    }
}
