//! The page of a report: whole in itself, well-formed, and shown by a browser without complaint.
#![cfg(feature = "cli")]

use base64::{Engine, engine::general_purpose::STANDARD};
use elbo::report::{Block, Figure, Report, escape, figure, film, formula, heading, html, table};
use roxmltree::{Document, ParsingOptions};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The folders of both studies, a search and a comparison, made once.
fn reports() -> &'static [PathBuf] {
    static REPORTS: OnceLock<(tempfile::TempDir, Vec<PathBuf>)> = OnceLock::new();
    let made = REPORTS.get_or_init(|| {
        let dir = tempfile::tempdir().unwrap();
        let made = |name: &str, args: &[&str]| {
            let out = dir.path().join(name);
            let mut command = Command::new(env!("CARGO_BIN_EXE_elbo"));
            command.args(args).args(["--data", "synthetic", "--limit", "300", "--quiet", "--out"]).arg(&out);
            let output = command.env_remove("ELBO_SIMD").env_remove("ELBO_DATA").output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            let last = String::from_utf8(output.stdout).unwrap().lines().last().map(str::to_string);
            assert_eq!(last, Some(out.join("report.html").display().to_string()));
            out
        };
        let small = ["--hidden", "32,16", "--epochs", "2"];
        // More epochs than the page shows of a film.
        let study = made("study", &["study", "--hidden", "8", "--epochs", "30"]);
        let tune = made("tune", &[&["tune", "--folds", "2", "--trials", "6", "--startup", "2"][..], &small].concat());
        let grid = ["tune", "compare", "--epochs", "1,2", "--batch-size", "64,128", "--lr", "0.001", "--folds", "2"];
        let compare = made("compare", &[&grid[..], &["--searches", "3"]].concat());
        let activations = made("activations", &["study", "activations", "--epochs", "1", "--seeds", "2"]);
        (dir, vec![study, tune, compare, activations])
    });
    &made.1
}

fn parsed(page: &str) -> Document<'_> {
    let options = ParsingOptions { allow_dtd: true, ..Default::default() };
    Document::parse_with_options(page, options).unwrap_or_else(|e| panic!("{e}"))
}

fn contents(source: &str) -> Vec<u8> {
    let (kind, data) = source.split_once(";base64,").unwrap();
    assert!(["data:image/png", "data:image/svg+xml"].contains(&kind), "{kind}");
    STANDARD.decode(data).unwrap()
}

#[test]
fn a_page_is_one_small_file_with_every_figure_in_it() {
    for out in reports() {
        let page = fs::read_to_string(out.join("report.html")).unwrap();
        assert!(page.len() < 5_000_000, "{}: {} bytes", out.display(), page.len());
        let page = parsed(&page);
        let images: Vec<Vec<u8>> = page
            .descendants()
            .filter(|n| n.tag_name().name() == "img")
            .map(|n| contents(n.attribute("src").unwrap()))
            .collect();
        let figures: Vec<_> = fs::read_dir(out.join("figures")).unwrap().map(|e| e.unwrap().path()).collect();
        for figure in &figures {
            assert!(images.contains(&fs::read(figure).unwrap()), "{} is not in the page", figure.display());
        }
        let films: Vec<_> =
            ["ae", "vae"].iter().map(|name| out.join(name).join("film.png")).filter(|p| p.exists()).collect();
        assert_eq!(images.len(), figures.len() + films.len(), "{}", out.display());
        for film in films {
            let whole = fs::read(&film).unwrap();
            assert!(images.iter().any(|i| i.len() < whole.len() && i.starts_with(&whole[..33])), "{}", film.display());
        }
        // The same in Markdown: the same sections, and pictures that exist.
        let text = fs::read_to_string(out.join("report.md")).unwrap();
        let sections = |n: &roxmltree::Node| n.tag_name().name() == "h2";
        assert_eq!(page.descendants().filter(sections).count(), text.matches("\n## ").count());
        assert_eq!(text.matches("\n![").count(), figures.len(), "{}", out.display());
    }
}

#[test]
fn a_page_asks_for_nothing_and_its_links_lead_somewhere() {
    for out in reports() {
        let page = fs::read_to_string(out.join("report.html")).unwrap();
        let page = parsed(&page);
        for node in page.descendants().filter(|n| n.is_element()) {
            let name = node.tag_name().name();
            assert!(!["script", "iframe", "object", "embed", "base", "form"].contains(&name), "{name}");
            for a in node.attributes() {
                let asks = ["src", "srcset", "poster", "data", "background"].contains(&a.name())
                    || (name, a.name()) == ("link", "href");
                assert!(!asks || a.value().starts_with("data:"), "{name} {}", a.name());
                assert!(
                    !a.name().starts_with("on") && (a.name() != "style" || !a.value().contains("url(")),
                    "{name} {}",
                    a.name()
                );
            }
            if name == "style" {
                assert!(!node.text().unwrap().contains("url(") && !node.text().unwrap().contains("@import"));
            }
            if let ("a", Some(target)) = (name, node.attribute("href")) {
                match target.strip_prefix('#') {
                    Some(id) => assert!(page.descendants().any(|n| n.attribute("id") == Some(id)), "{target}"),
                    None => assert!(target.starts_with("https://") || out.join(target).exists(), "{target}"),
                }
            }
        }
    }
}

/// Chromium, by `ELBO_CHROMIUM` or the usual names.
fn browser() -> Option<PathBuf> {
    let named = std::env::var_os("ELBO_CHROMIUM").map(PathBuf::from);
    let folders: Vec<PathBuf> =
        std::env::var_os("PATH").map(|path| std::env::split_paths(&path).collect()).unwrap_or_default();
    let usual = ["chromium", "chromium-browser", "google-chrome"];
    named.or_else(|| {
        usual.iter().flat_map(|name| folders.iter().map(move |dir| dir.join(name))).find(|path| path.is_file())
    })
}

/// What the browser makes of a page in a frame of this width: the frame's width, by how much the page is wider, how many images and
/// formulas it has, and of how many it knows the size.
fn shown(browser: &Path, dir: &Path, page: &str, width: usize) -> [usize; 6] {
    const PROBE: &str = "onload = () => {
        const frame = document.querySelector('iframe'), page = frame.contentDocument, root = page.documentElement;
        const images = [...page.images], formulas = [...page.querySelectorAll('math')];
        document.title = [frame.contentWindow.innerWidth, root.scrollWidth - root.clientWidth,
            images.length, images.filter(image => image.complete && image.naturalWidth > 0).length,
            formulas.length, formulas.filter(formula => formula.getBoundingClientRect().width > 40).length].join(' ');
    }";
    let quoted = page.replace('&', "&amp;").replace('"', "&quot;");
    let file = dir.join(format!("{width}.html"));
    let frame = format!("<iframe style=\"width:{width}px;height:900px;border:0\" srcdoc=\"{quoted}\"></iframe>");
    fs::write(&file, format!("<!DOCTYPE html><title></title>{frame}<script>{PROBE}</script>")).unwrap();
    let mut command = Command::new(browser);
    command.args(["--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--window-size=1300,1000"]);
    let output =
        command.arg(format!("--user-data-dir={}", dir.join("browser").display())).arg("--dump-dom").arg(&file).output();
    let output = output.unwrap_or_else(|e| panic!("{}: {e}", browser.display()));
    let (dom, said) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let complaints: Vec<&str> = said.lines().filter(|line| line.contains(":CONSOLE")).collect();
    assert!(complaints.is_empty(), "{complaints:?}");
    let title =
        dom.split_once("<title>").and_then(|(_, rest)| rest.split_once("</title>")).map_or("", |(title, _)| title);
    let numbers: Vec<usize> =
        title.split(' ').map(|n| n.parse().unwrap_or_else(|_| panic!("{title}: {said}"))).collect();
    numbers.try_into().unwrap()
}

/// A page with much that is too wide: words, tables, formulas, from outside.
fn wide() -> String {
    let long = escape(&format!("<b onclick=\"x\">{}</b>", "y".repeat(300)));
    let figures = [Figure::new("a.svg", "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"2000\" height=\"20\"/>")];
    let blocks: Vec<Block> = vec![
        heading(&long),
        format!("{long} `{long}`").into(),
        table([&long; 3], [vec![&long; 3]], &long),
        figure("a.svg", &long, &long),
        film("a.svg", &long, &long),
        formula(&"ab + ".repeat(200), &long),
    ];
    html::page(&Report { title: (&long).into(), blocks }, |_| Ok(Some(figures[0].bytes.clone()))).unwrap()
}

#[test]
fn a_browser_shows_a_page_without_complaint_at_any_width() {
    let Some(browser) = browser() else {
        eprintln!("skipped: no Chromium in PATH, and ELBO_CHROMIUM names none");
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let pages = reports().iter().map(|out| fs::read_to_string(out.join("report.html")).unwrap());
    for page in pages.chain([wide()]) {
        let (images, formulas) = (page.matches("<img ").count(), page.matches("<math ").count());
        for width in [360, 1200] {
            assert_eq!(shown(&browser, dir.path(), &page, width), [width, 0, images, images, formulas, formulas]);
        }
    }
    // The probe sees what it is to see.
    let bad = wide().replacen("overflow-x: auto", "", 2).replacen(
        "data:image/svg+xml;base64,",
        "data:image/svg+xml;base64,AAAA",
        1,
    );
    let [_, over, images, decoded, ..] = shown(&browser, dir.path(), &bad, 360);
    assert!(over > 100 && decoded == images - 1, "{over} pixels too wide, {decoded} of {images} images");
}
