//! The program is killed at system calls, or one of them fails: what it leaves can be gone on with, and ends with the same bits.
//!
//! `cargo test --release --test kills -- --ignored --nocapture` gives each sweep a minute, or as many seconds as
//! `ELBO_SWEEP_SECONDS` says; the calls are tried in an order that is spread evenly over the run wherever it ends.
#![cfg(feature = "cli")]
#![cfg(target_os = "linux")]

use elbo::search::{FrozenTrial, Storage, Study};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Commands to begin with and to go on with. On one thread, so that their calls come in the same order each time.
struct Job(&'static str, &'static str);

const TRAIN: Job = Job("train vae --hidden 8 --epochs 3 --threads 1 -q --no-judge", "train --threads 1 -q --no-judge");
const TUNE: Job = Job("tune --hidden 8 --epochs 1 --folds 2 --trials 3 --threads 1 -q", "tune --threads 1 -q");

const ELBO: &str = env!("CARGO_BIN_EXE_elbo");

/// The calls that look at files and change them.
const CALLS: &str = "openat,read,write,lseek,close,rename,renameat,renameat2,link,linkat,symlink,symlinkat,unlink,unlinkat,\
                     mkdir,mkdirat,fsync,fdatasync,ftruncate,flock,fcntl,statx,getdents64";

/// What is injected, and what is said of it.
const KILL: [(&str, &str); 1] = [("signal=SIGKILL", "")];
const ERRORS: [(&str, &str); 3] = [
    ("error=EIO", "Input/output error"),
    ("error=ENOSPC", "No space left on device"),
    ("error=EACCES", "Permission denied"),
];

/// A system call of a run.
struct Call {
    name: String,
    /// Among the calls of this name, counted from 1.
    number: usize,
    /// What it was given and gave, when nothing was injected.
    line: String,
}

impl Job {
    fn begin(&self, out: &Path) -> Vec<String> {
        let place = ["--data".into(), text(&out.with_file_name("data")), "--out".into(), text(out)];
        [ELBO].into_iter().chain(self.0.split(' ')).map(String::from).chain(place).collect()
    }

    fn resume(&self, out: &Path) -> Vec<String> {
        let place = ["--resume".into(), text(out)];
        [ELBO].into_iter().chain(self.1.split(' ')).map(String::from).chain(place).collect()
    }

    /// Begins under `strace`, which logs to a file and injects what it is told to.
    fn traced(&self, out: &Path, log: &Path, inject: &str) -> Output {
        let options = ["strace", "-f", "-qq", "-e", "signal=none", "-o", &text(log), "-e", &format!("trace={CALLS}")];
        let inject = if inject.is_empty() { vec![] } else { vec!["-e".to_string(), format!("inject={inject}")] };
        run(options.map(String::from).into_iter().chain(inject).chain(self.begin(out)))
    }

    /// Goes on with what is in the folder, or begins it again: either is tried first, and either works or names the other.
    fn go_on(&self, out: &Path, begin_first: bool) {
        // Time goes by: half a minute, after which the lock is nobody's, and an hour, after which the rest is.
        let _ = fs::remove_file(out.join("study.journal.lock"));
        let litter: Vec<String> = files(out).iter().map(|path| text(path)).filter(|path| is_litter(path)).collect();
        if !litter.is_empty() {
            run(["touch", "-h", "-d", "2 hours ago"].map(String::from).into_iter().chain(litter));
        }
        let (begin, resume) = (|| run(self.begin(out)), || run(self.resume(out)));
        let first = if begin_first { begin() } else { resume() };
        if first.status.success() {
            return;
        }
        let said = one_line(&first);
        let hint =
            if begin_first { format!(" --resume {}\n", out.display()) } else { "expected the folder of a ".into() };
        assert!(first.status.code() == Some(2) && said.contains(&hint), "{said}");
        let second = if begin_first { resume() } else { begin() };
        assert!(second.status.success(), "{said}\n{}", one_line(&second));
    }

    /// The calls of an undisturbed run at which something can be injected, and how many others there are.
    fn calls(&self, out: &Path) -> (Vec<Call>, usize) {
        let log = out.with_extension("log");
        let output = self.traced(out, &log, "");
        assert!(output.status.success(), "{}", one_line(&output));
        let logged = fs::read_to_string(&log).unwrap().replace(&text(out), "");
        // Lines such as `17 openat(AT_FDCWD, "/run.lock", O_WRONLY) = 3`. What waits while the process ends has no result.
        let call = |line| {
            let (thread, call) = str::split_once(line, ' ')?;
            let (name, rest) = call.trim_start().split_once('(')?;
            (CALLS.split(',').any(|known| known == name) && !rest.ends_with("= ?")).then_some((thread, name, rest))
        };
        let all: Vec<_> = logged.lines().filter_map(call).collect();
        // `strace` counts each thread's calls by themselves, and injects into whichever comes to a number. The worker is the thread
        // that syncs; the others begin and end the process, and may write a line on stderr.
        let worker = all.iter().find(|(_, name, _)| *name == "fsync").expect("something is synced").0;
        let elsewhere = |name: &str| {
            all.iter().filter(|(t, n, _)| *t != worker && *n == name).count() + usize::from(name == "write")
        };
        let mut calls: Vec<Call> = Vec::new();
        for (_, name, rest) in all.iter().filter(|(thread, ..)| *thread == worker) {
            let number = 1 + calls.iter().filter(|call| call.name == *name).count();
            calls.push(Call { name: name.to_string(), number, line: format!("{name}({rest}") });
        }
        let all = calls.len();
        calls.retain(|call| call.number > elsewhere(&call.name));
        let hidden = all - calls.len();
        (calls, hidden)
    }
}

fn run(words: impl IntoIterator<Item = String>) -> Output {
    let mut words = words.into_iter();
    let mut command = Command::new(words.next().unwrap());
    command.args(words).env_remove("ELBO_SIMD").env_remove("ELBO_DATA").output().unwrap()
}

/// Writes a few images as IDX files, which are read sooner than drawn.
fn write_data(folder: &Path) {
    let set = elbo::data::synthetic::dataset(150, 40);
    fs::create_dir(folder).unwrap();
    for (stem, split) in [("train", &set.train), ("t10k", &set.test)] {
        let [n, height, width] = [split.len(), split.height(), split.width()].map(|n| n as u32);
        let file = |kind: &str, words: &[u32], bytes: Vec<u8>| {
            let head: Vec<u8> = words.iter().flat_map(|word| word.to_be_bytes()).collect();
            fs::write(folder.join(format!("{stem}-{kind}-ubyte")), [head, bytes].concat()).unwrap();
        };
        file("images-idx3", &[0x803, n, height, width], split.images().collect::<Vec<_>>().concat());
        file("labels-idx1", &[0x801, n], split.labels().collect());
    }
}

fn text(path: &Path) -> String {
    path.to_str().unwrap().to_string()
}

/// What a command says that does not end well.
fn one_line(output: &Output) -> String {
    let said = String::from_utf8(output.stderr.clone()).unwrap();
    assert!(said.lines().count() == 1 && said.starts_with("elbo: "), "{:?}: {said}", output.status);
    said
}

/// What is in a folder and does not depend on time, by the names of its files.
type State = BTreeMap<String, Vec<u8>>;

fn state(folder: &Path) -> State {
    let name = |path: &Path| text(path.strip_prefix(folder).unwrap());
    files(folder).iter().map(|path| (name(path), timeless(path))).collect()
}

/// The files in a folder and in those within.
fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let entries = entries.map(|entry| entry.unwrap());
    entries.flat_map(|e| if e.file_type().unwrap().is_dir() { files(&e.path()) } else { vec![e.path()] }).collect()
}

/// Whether this is something half-written, or a lock on its way out, which is somebody else's to remove.
fn is_litter(name: &str) -> bool {
    name.ends_with(".tmp") || name.ends_with(".rename")
}

/// The contents of a file without what depends on time.
fn timeless(path: &Path) -> Vec<u8> {
    let bytes = fs::read(path).unwrap();
    let json = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes);
        let rest = text.trim_end().split("seconds").map(|part| part.trim_start_matches(|c| !",}\n".contains(c)));
        [text.split("seconds").next().unwrap(), &rest.skip(1).collect::<String>()].concat().into_bytes()
    };
    match path.extension().and_then(|e| e.to_str()).unwrap_or_default() {
        "json" | "jsonl" => json(&bytes),
        "safetensors" => {
            let (header, body) = bytes[8..].split_at(u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize);
            [&json(header), body].concat()
        }
        "journal" => {
            let study = Study::open(Storage::journal(path).unwrap(), "vae").unwrap();
            let trial = |t: &Arc<FrozenTrial>| format!("{} {:?} {:?} {:?}\n", t.number, t.state, t.params, t.values);
            study.trials().unwrap().iter().map(trial).collect::<String>().into_bytes()
        }
        // It tells of times in sentences.
        "md" => Vec::new(),
        _ => bytes,
    }
}

fn assert_same(found: &State, expected: &State) {
    let names = found.keys().chain(expected.keys());
    let other: BTreeSet<&String> = names.filter(|name| found.get(*name) != expected.get(*name)).collect();
    assert!(other.is_empty(), "other than undisturbed: {other:?}");
}

/// The run was killed, or it is as good as any other, or it ended with a line that says what was wrong where. Whether it was disturbed
/// at all: how often the system's own files are read varies a little.
fn assert_honest(out: &Path, output: &Output, why: &str, expected: &State) -> bool {
    match output.status.code() {
        None => assert!(why.is_empty() && output.status.signal() == Some(9), "{:?}", output.status),
        Some(0) => {
            let mut found = state(out);
            // What could not be removed is the next one's to remove.
            found.retain(|name, _| !is_litter(name));
            assert_same(&found, expected);
        }
        Some(1) if !why.is_empty() => {
            let said = one_line(output);
            let is_named = said.contains(&text(out.parent().unwrap())) || said.contains("standard output");
            // The standard library takes a folder that it cannot look at for a file in a folder's place.
            assert!(is_named && (said.contains(why) || said.contains("File exists")), "{said}");
        }
        _ => panic!("{:?}: {}", output.status, String::from_utf8_lossy(&output.stderr)),
    }
    !why.is_empty() || output.status.code().is_none()
}

/// Disturbs a job at one call after the other, looks at how it ended, and goes on with what it left.
fn sweep(what: &str, job: &Job, injections: &[(&str, &str)]) {
    let traceable = Command::new("strace").args(["-f", "-qq", "true"]).output();
    if !traceable.is_ok_and(|output| output.status.success()) {
        eprintln!("{what}: skipped, there is no strace here or it may not trace");
        return;
    }
    let seconds = std::env::var("ELBO_SWEEP_SECONDS").ok().map_or(60, |text| text.parse().expect("whole seconds"));
    let (start, budget) = (Instant::now(), Duration::from_secs(seconds));
    let dir = tempfile::tempdir().unwrap();
    write_data(&dir.path().join("data"));
    let whole = dir.path().join("whole");
    let (mut calls, hidden) = job.calls(&whole);
    if injections != KILL {
        // A lock that cannot be given back makes the next step wait half a minute, and does nothing else. The standard library
        // overlooks that a file cannot be closed, and panics when it is a folder that was listed.
        calls.retain(|call| call.name != "close" && !call.line.starts_with("rename(\"/study.journal.lock\""));
    }
    let expected = state(&whole);
    let points = calls.len() * injections.len();
    let (mut tried, mut missed, mut failed) = (0, 0, Vec::new());
    for point in spread(points) {
        if start.elapsed() > budget {
            break;
        }
        let (call, (injection, why)) = (&calls[point / injections.len()], injections[point % injections.len()]);
        let out = dir.path().join(format!("at-{point}"));
        let went_well = catch_unwind(AssertUnwindSafe(|| {
            let inject = format!("{}:{injection}:when={}", call.name, call.number);
            let output = job.traced(&out, Path::new("/dev/null"), &inject);
            let was_hit = assert_honest(&out, &output, why, &expected);
            if was_hit {
                job.go_on(&out, point % 2 == 0);
                assert_same(&state(&out), &expected);
            }
            was_hit
        }));
        tried += 1;
        match went_well {
            Ok(was_hit) => {
                missed += usize::from(!was_hit);
                fs::remove_dir_all(&out).unwrap();
            }
            Err(_) => {
                let call = format!("call {}, {injection}: {}", call.number, call.line);
                eprintln!("{what}: failed at {call}");
                failed.push(call);
            }
        }
    }
    let seconds = start.elapsed().as_secs();
    eprintln!("{what}: {tried} of {points} in {seconds} s, and {hidden} calls hidden behind those of other threads");
    assert!(10 * missed <= tried, "{what}: {missed} of {tried} ran undisturbed");
    assert!(failed.is_empty(), "{what}: {} failed:\n{}", failed.len(), failed.join("\n"));
}

/// 0 to n − 1 in an order of which every beginning is spread evenly.
fn spread(n: usize) -> impl Iterator<Item = usize> {
    let bits = usize::BITS - n.leading_zeros();
    (0..1 << bits).map(move |i: usize| i.reverse_bits() >> (usize::BITS - bits)).filter(move |i| *i < n)
}

#[test]
#[ignore = "minutes; strace"]
fn training_that_is_killed_goes_on_to_the_same_bits() {
    sweep("training, killed", &TRAIN, &KILL);
}

#[test]
#[ignore = "minutes; strace"]
fn a_search_that_is_killed_goes_on_to_the_same_bits() {
    sweep("search, killed", &TUNE, &KILL);
}

#[test]
#[ignore = "minutes; strace"]
fn training_with_an_error_is_whole_or_says_so() {
    sweep("training, errors", &TRAIN, &ERRORS);
}

#[test]
#[ignore = "minutes; strace"]
fn a_search_with_an_error_is_whole_or_says_so() {
    sweep("search, errors", &TUNE, &ERRORS);
}
