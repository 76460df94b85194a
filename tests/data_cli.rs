//! Data sets from the command line: by name, from folders of IDX files and of pictures.
#![cfg(feature = "cli")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

/// Runs the program for somebody with this home folder, who has no data.
fn elbo(home: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_elbo"));
    command.args(args).env_remove("ELBO_SIMD").env_remove("ELBO_DATA").env_remove("XDG_CACHE_HOME").env("HOME", home);
    command.current_dir(home).output().unwrap()
}

/// What it says on stdout when all goes well.
fn said(home: &Path, args: &[&str]) -> String {
    let output = elbo(home, args);
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The one line it says when it must fail with this status.
fn refused(home: &Path, args: &[&str], status: i32) -> String {
    let output = elbo(home, args);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(status) && said.lines().count() == 1, "{args:?}: {said}");
    said.trim_end().to_string()
}

/// A set of coloured squares: red ones and blue ones, ten of each.
fn draw(dir: &Path) {
    for (class, color) in [("red", [200, 10, 10]), ("blue", [10, 10, 200])] {
        fs::create_dir_all(dir.join(class)).unwrap();
        for i in 0..10 {
            let file = fs::File::create(dir.join(class).join(format!("{i}.png"))).unwrap();
            let mut encoder = png::Encoder::new(file, 8, 8);
            encoder.set_color(png::ColorType::Rgb);
            let is_inside = |k: usize| (1 + i % 4..6).contains(&(k / 8)) && (2..6).contains(&(k % 8));
            let pixels: Vec<u8> = (0..64).flat_map(|k| if is_inside(k) { color } else { [0; 3] }).collect();
            encoder.write_header().unwrap().write_image_data(&pixels).unwrap();
        }
    }
}

#[test]
fn the_catalogue_is_listed() {
    let home = tempfile::tempdir().unwrap();
    let list = said(home.path(), &["data", "list"]);
    for set in &elbo::data::catalogue::CATALOGUE {
        let line = list.lines().find(|line| line.starts_with(&format!("{} ", set.slug))).unwrap();
        assert!(line.contains(set.name) && list.contains(set.citation), "{line}");
        assert!(line.ends_with(if set.slug == "emnist-letters" { "to read from a folder" } else { "to download" }));
    }
    for toy in elbo::data::Toy::ALL {
        assert!(list.contains(&format!("\n{} ", toy.slug())) && list.contains(toy.about()), "{list}");
    }
    let info = said(home.path(), &["data", "info", "--data", "moons"]);
    assert!(info.contains("train: 10000 points of the plane\n") && info.contains("classes: upper, lower\n"), "{info}");
}

#[test]
fn what_is_not_downloaded_says_where_it_is() {
    let home = tempfile::tempdir().unwrap();
    for args in [&["data", "fetch", "emnist-letters"][..], &["train", "vae", "--data", "emnist-letters"]] {
        let line = refused(home.path(), args, 2);
        let start = "elbo: EMNIST Letters is not downloaded: unpack https://www.itl.nist.gov/";
        assert!(line.starts_with(start) && line.ends_with("into a folder, and name it with --data DIR"), "{line}");
    }
    let line = refused(home.path(), &["data", "fetch", "cifar"], 2);
    assert_eq!(line, "elbo: NAME: expected one of fashion-mnist, mnist, kmnist, emnist-letters, found cifar");
    let line = refused(home.path(), &["data", "info", "--data", "minst"], 1);
    assert!(line.starts_with("elbo: minst: data: expected synthetic, fashion-mnist, mnist, "), "{line}");
}

#[test]
fn files_are_verified_as_those_of_the_set_that_they_are() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("letters");
    fs::create_dir(&dir).unwrap();
    let files = elbo::data::catalogue::named("emnist-letters").unwrap().files;
    files.iter().for_each(|(name, _)| fs::write(dir.join(name.to_uppercase()), b"").unwrap());
    let line = refused(home.path(), &["data", "verify", "letters"], 1);
    assert_eq!(line, "elbo: of 4 of 4 files it is not known whether they are those of EMNIST Letters");
    fs::remove_file(dir.join(files[0].0.to_uppercase())).unwrap();
    let line = refused(home.path(), &["data", "verify", "letters"], 1);
    assert_eq!(line, "elbo: 1 of 4 files are not the published ones of EMNIST Letters");
    let line = refused(home.path(), &["data", "verify", "mnist"], 2);
    assert_eq!(line, "elbo: MNIST was not found; name its folder, or run elbo data fetch mnist");
}

#[test]
fn a_network_learns_ones_own_pictures_in_colour() {
    let home = tempfile::tempdir().unwrap();
    draw(&home.path().join("squares"));
    let info = said(home.path(), &["data", "info", "--data", "squares"]);
    assert!(info.contains("train: 16 images of 8 × 8 in colour\ntest: 4 images of 8 × 8 in colour\n"), "{info}");
    assert!(info.contains("classes: blue, red\n"), "{info}");
    let train = ["train", "vae", "--data", "squares", "--hidden", "16", "--epochs", "2", "--quiet", "--out", "run"];
    said(home.path(), &train);
    said(home.path(), &["sample", "run"]);
    // Its frames are in colour: PNG's byte 25 is the colour type, 2 for RGB.
    assert_eq!(fs::read(home.path().join("run/film.png")).unwrap()[25], 2);
    let line = refused(home.path(), &["train", "vae", "--data", "squares", "--binarize", "standardised"], 2);
    let start = "elbo: --binarize: expected threshold, dynamic or grey, which give ";
    assert!(line.starts_with(start) && line.ends_with(", found standardised"), "{line}");
}

#[test]
fn the_old_word_for_grey_is_still_understood() {
    let home = tempfile::tempdir().unwrap();
    draw(&home.path().join("squares"));
    let train = ["train", "ae", "--data", "squares", "--hidden", "4", "--epochs", "1", "--quiet"];
    for word in ["none", "grey"] {
        said(home.path(), &[&train[..], &["--binarize", word, "--out", word]].concat());
        let config = fs::read_to_string(home.path().join(word).join("config.json")).unwrap();
        assert!(config.contains("\"binarize\": \"grey\""), "{config}");
    }
}
