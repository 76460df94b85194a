//! Downloads from a server on this machine that misbehaves in every way we could think of.
#![cfg(feature = "download")]

use elbo::data::Digest;
use elbo::data::download::{Timeouts, fetch};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

/// `first` and its SHA-256, `second` and its MD5.
const FILES: [(&str, Digest); 2] = [
    ("a.gz", Digest::Sha256("a7937b64b8caa58f03721bb6bacf5c78cb235febe0e70b1b84cd99541461a08e")),
    ("b.gz", Digest::Md5("a9f0e61a137d86aa9db53465e0801612")),
];

fn content(path: &str) -> &'static [u8] {
    if path == "/a.gz" { b"first" } else { b"second" }
}

/// What a server does when asked for a path.
type Manners = fn(&mut TcpStream, &str) -> std::io::Result<()>;

fn good(to: &mut TcpStream, path: &str) -> std::io::Result<()> {
    let body = content(path);
    write!(to, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len())?;
    to.write_all(body)
}

fn truncated(to: &mut TcpStream, _: &str) -> std::io::Result<()> {
    to.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nfir")
}

fn unannounced_and_truncated(to: &mut TcpStream, _: &str) -> std::io::Result<()> {
    to.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nfir")
}

fn wrong(to: &mut TcpStream, _: &str) -> std::io::Result<()> {
    to.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nfalse")
}

fn absent(to: &mut TcpStream, _: &str) -> std::io::Result<()> {
    to.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
}

fn no_http(to: &mut TcpStream, _: &str) -> std::io::Result<()> {
    to.write_all(b"220 mail.example ESMTP\r\n\r\n")
}

fn silent(_: &mut TcpStream, _: &str) -> std::io::Result<()> {
    thread::sleep(Duration::from_secs(5));
    Ok(())
}

fn stalled(to: &mut TcpStream, _: &str) -> std::io::Result<()> {
    to.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nfir")?;
    thread::sleep(Duration::from_secs(5));
    Ok(())
}

fn endless(to: &mut TcpStream, _: &str) -> std::io::Result<()> {
    to.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")?;
    loop {
        to.write_all(&[0; 1 << 16])?;
    }
}

/// A server, its address and the paths it was asked for. It ends with the test process.
fn server(manners: Manners) -> (String, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/", listener.local_addr().unwrap());
    let (asked, log) = channel();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = Vec::new();
            let mut byte = [0];
            while !request.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap_or(0) == 1 {
                request.push(byte[0]);
            }
            let path = String::from_utf8_lossy(&request).split(' ').nth(1).unwrap_or("").to_string();
            if asked.send(path.clone()).is_err() {
                return;
            }
            // The client may have hung up; that is its right.
            let _ = manners(&mut stream, &path);
        }
    });
    (address, log)
}

fn fetch_quickly(mirrors: &[&str], dir: &Path) -> Result<(), String> {
    let timeouts = Timeouts { connect: Duration::from_secs(2), silence: Duration::from_millis(500) };
    fetch(&FILES, mirrors, dir, timeouts).map_err(|e| e.to_string())
}

fn files_in(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// From such a server alone: an error that says why, at once, and an empty folder. With a good one next: both files.
fn survives(manners: Manners, reason: &str) {
    let dir = tempfile::tempdir().unwrap();
    let (bad, _log) = server(manners);
    let start = Instant::now();
    let error = fetch_quickly(&[&bad], dir.path()).unwrap_err();
    assert!(start.elapsed() < Duration::from_secs(4), "{:?}", start.elapsed());
    assert!(error.starts_with(&format!("a.gz: {bad}: ")) && error.contains(reason), "{error}");
    assert!(!error.contains('\n'), "{error}");
    assert_eq!(files_in(dir.path()), [""; 0]);

    let (good, _log) = server(good);
    fetch_quickly(&[&bad, &good], dir.path()).unwrap();
    assert_eq!(files_in(dir.path()), ["a.gz", "b.gz"]);
    assert_eq!(std::fs::read(dir.path().join("b.gz")).unwrap(), b"second");
}

#[test]
fn a_truncated_body_is_refused() {
    survives(truncated, "disconnected");
    survives(unannounced_and_truncated, "SHA-256: expected a7937b");
}

#[test]
fn wrong_bytes_are_refused() {
    survives(wrong, "SHA-256: expected a7937b");
}

#[test]
fn a_missing_file_is_refused() {
    survives(absent, "404");
}

#[test]
fn another_protocol_is_refused() {
    survives(no_http, "");
}

#[test]
fn a_server_that_never_answers_is_left() {
    survives(silent, "timeout");
}

#[test]
fn a_server_that_stalls_in_the_body_is_left() {
    survives(stalled, "timeout");
}

#[test]
fn a_body_without_end_is_cut() {
    survives(endless, "more than 67108864 bytes");
}

#[test]
fn a_refused_connection_goes_on_to_the_next_mirror() {
    let dir = tempfile::tempdir().unwrap();
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (good, _log) = server(good);
    fetch_quickly(&[&format!("http://{closed}/"), &good], dir.path()).unwrap();
    assert_eq!(files_in(dir.path()), ["a.gz", "b.gz"]);
}

#[test]
fn the_error_lists_every_mirror_in_one_line() {
    let dir = tempfile::tempdir().unwrap();
    let ((one, _log1), (two, _log2)) = (server(absent), server(wrong));
    let error = fetch_quickly(&[&one, &two], dir.path()).unwrap_err();
    assert!(error.starts_with(&format!("a.gz: {one}: ")) && error.contains(&format!("; {two}: SHA-256")), "{error}");
    assert_eq!(error.lines().count(), 1);
}

#[test]
fn the_mirror_that_gave_the_last_file_is_asked_first_for_the_next() {
    let dir = tempfile::tempdir().unwrap();
    let ((bad, bad_log), (good, good_log)) = (server(absent), server(good));
    fetch_quickly(&[&bad, &good], dir.path()).unwrap();
    assert_eq!(bad_log.try_iter().collect::<Vec<_>>(), ["/a.gz"]);
    assert_eq!(good_log.try_iter().collect::<Vec<_>>(), ["/a.gz", "/b.gz"]);
}

#[test]
fn only_files_that_are_absent_or_damaged_are_fetched() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("a.gz"), b"first").unwrap();
    std::fs::write(dir.path().join("b.gz"), b"secon").unwrap();
    let (good, log) = server(good);
    fetch_quickly(&[&good], dir.path()).unwrap();
    assert_eq!(log.try_iter().collect::<Vec<_>>(), ["/b.gz"]);
    assert_eq!(std::fs::read(dir.path().join("b.gz")).unwrap(), b"second");
    fetch_quickly(&[], dir.path()).unwrap();
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let dir = file.path().join("below");
    let (good, _log) = server(good);
    let error = fetch_quickly(&[&good], &dir).unwrap_err();
    assert!(error.starts_with(&format!("{}: ", dir.display())), "{error}");
}
