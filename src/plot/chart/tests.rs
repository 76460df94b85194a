//! What a chart shows, read back from its SVG.

use super::*;
use roxmltree::{Document, Node};

const NONSENSE: [(f64, f64); 5] =
    [(f64::NAN, 1.0), (2.0, f64::INFINITY), (f64::NEG_INFINITY, f64::NAN), (f64::MAX, 3.0), (4.0, f64::MIN)];

fn elements<'a>(xml: &'a Document, tag: &'a str) -> Vec<Node<'a, 'a>> {
    xml.descendants().filter(|n| n.has_tag_name(tag)).collect()
}

fn texts(xml: &Document) -> Vec<String> {
    elements(xml, "text").iter().map(|n| n.text().unwrap_or("").to_string()).collect()
}

fn get(node: Node, attribute: &str) -> f64 {
    node.attribute(attribute).unwrap().parse().unwrap()
}

/// Width and height of the plot area.
fn area(xml: &Document) -> (f64, f64) {
    let plot = elements(xml, "svg")[1];
    (get(plot, "width"), get(plot, "height"))
}

/// The numbers of a path's data.
fn numbers(path: &str) -> Vec<f64> {
    let pieces = path.split(|c: char| !(c.is_ascii_digit() || c == '.' || c == '-'));
    pieces.filter(|p| !p.is_empty()).map(|p| p.parse().unwrap()).collect()
}

/// The paths of a colour: first the lines, then the dots.
fn paths<'a>(xml: &'a Document, color: &str) -> Vec<&'a str> {
    let is_swatch =
        |n: &Node| n.attribute("d").is_some_and(|d| n.attribute("stroke-width") == Some("2.5") && !d.contains('L'));
    let paths = xml.descendants().filter(|n| n.has_tag_name("path") && n.attribute("stroke") == Some(color));
    let (lines, others): (Vec<Node>, Vec<Node>) =
        paths.filter(|n| !is_swatch(n)).partition(|n| n.ancestors().filter(|a| a.has_tag_name("svg")).count() > 1);
    lines.into_iter().chain(others).map(|n| n.attribute("d").unwrap()).collect()
}

fn close(found: &[f64], expected: &[f64]) {
    let near = found.iter().zip(expected).all(|(a, b)| (a - b).abs() <= 0.11);
    assert!(near && found.len() == expected.len(), "{found:?} is not {expected:?}");
}

#[test]
fn a_curve_goes_through_its_points() {
    let svg = Chart::new("", "", "").x_range(0.0, 10.0).y_range(-1.0, 3.0);
    let svg = svg.line("a", &[(0.0, -1.0), (5.0, 3.0), (10.0, 0.0)]).svg();
    let xml = Document::parse(&svg).unwrap();
    let (w, h) = area(&xml);
    let found = numbers(&paths(&xml, SERIES[0])[0].replace("h0", ""));
    close(&found, &[0.0, h, w / 2.0, 0.0, w, h * 0.75]);
}

#[test]
fn dots_ellipses_and_notes_meet_at_the_same_place() {
    let svg = Chart::new("", "", "").x_range(-2.0, 2.0).y_range(-1.0, 1.0);
    let svg = svg.scatter("a", &[(1.0, 0.5)]).ellipses("a", &[(1.0, 0.5, 0.5, 0.25)]).note("a", (1.0, 0.5)).svg();
    let xml = Document::parse(&svg).unwrap();
    let (w, h) = area(&xml);
    let (x, y) = (w * 0.75, h * 0.25);
    close(&numbers(&paths(&xml, SERIES[0])[0].replace("h0", "")), &[x, y]);
    let ellipse = elements(&xml, "ellipse")[0];
    let ellipse = ["cx", "cy", "rx", "ry"].map(|a| get(ellipse, a));
    close(&ellipse, &[x, y, w / 8.0, h / 8.0]);
    let mark = elements(&xml, "circle").into_iter().find(|n| n.has_attribute("stroke-width")).unwrap();
    close(&[get(mark, "cx"), get(mark, "cy")], &[x, y]);
    assert_eq!(mark.attribute("fill"), Some(SERIES[0]));
}

#[test]
fn a_dot_on_the_frame_is_whole_and_one_above_it_is_marked_at_its_edge() {
    let svg = Chart::new("", "", "").x_range(0.0, 10.0).y_range(0.0, 1.0);
    let svg = svg.scatter("a", &[(0.0, 1.0), (5.0, 7.0), (6.0, f64::INFINITY), (7.0, -3.0), (12.0, 0.5)]).svg();
    let xml = Document::parse(&svg).unwrap();
    let (w, h) = area(&xml);
    let dots = elements(&xml, "g").into_iter().find(|g| g.has_attribute("stroke-linecap")).unwrap();
    let clipped = dots.ancestors().filter(|a| a.has_tag_name("svg")).count() > 1;
    assert!(!clipped, "the frame cuts no dot");
    let paths: Vec<&str> = dots.children().filter_map(|n| n.attribute("d")).collect();
    close(&numbers(&paths[0].replace("h0", "")), &[0.0, 0.0]);
    let triangles = numbers(&paths[1].replace("h0", ""));
    close(&[triangles[0], triangles[6]], &[w * 0.5 - 5.0, w * 0.6 - 5.0]);
    assert!(triangles.iter().all(|v| *v <= w.max(h)) && paths.len() == 2, "{paths:?}");
}

#[test]
fn in_a_square_chart_a_circle_is_round() {
    let svg = Chart::new("", "", "").square().contour("1σ", (1.0, 2.0, 1.0, 1.0)).note("far", (9.0, 2.0)).svg();
    let xml = Document::parse(&svg).unwrap();
    let (w, h) = area(&xml);
    let circle = elements(&xml, "ellipse")[0];
    assert_eq!(w, h);
    assert_eq!(circle.attribute("rx"), circle.attribute("ry"));
    assert!(get(circle, "rx") > 10.0);
}

#[test]
fn bars_stand_on_zero_side_by_side() {
    let chart = Chart::new("", "", "").categories(&["p", "q"]).y_range(-1.0, 3.0);
    let svg = chart.bars("a", &[3.0, f64::NAN]).bars("b", &[-1.0, 1.5]).svg();
    let xml = Document::parse(&svg).unwrap();
    let (w, h) = area(&xml);
    let plot = elements(&xml, "svg")[1];
    let rects: Vec<Node> = plot.descendants().filter(|n| n.has_tag_name("rect")).collect();
    let spans: Vec<(f64, f64)> = rects.iter().map(|r| (get(*r, "y"), get(*r, "height"))).collect();
    close(&[spans[0].0, spans[0].1], &[0.0, h * 0.75]);
    close(&[spans[1].0, spans[1].1], &[h * 0.75, h * 0.25]);
    close(&[spans[2].0, spans[2].1], &[h * 0.375, h * 0.375]);
    assert_eq!(rects.len(), 3, "a bar of NaN is left out");
    let right = |r: Node| get(r, "x") + get(r, "width");
    assert!(right(rects[0]) <= get(rects[1], "x") && right(rects[1]) < w / 2.0 && w / 2.0 < get(rects[2], "x"));
}

#[test]
fn a_level_lies_at_its_height_and_leads_to_its_name() {
    let chart = Chart::new("", "", "").y_range(0.0, 100.0).line("a", &[(0.0, 20.0), (1.0, 80.0)]);
    let svg = chart.level("half", 50.0).level("out of sight", 200.0).level("nothing", f64::NAN).svg();
    let xml = Document::parse(&svg).unwrap();
    let (w, h) = area(&xml);
    close(&numbers(paths(&xml, MUTED)[0]), &[0.0, h / 2.0, w]);
    let label = elements(&xml, "text").into_iter().find(|n| n.text() == Some("half")).unwrap();
    assert!((get(label, "y") - h / 2.0).abs() < 8.0 && get(label, "x") > w);
    assert!(!texts(&xml).iter().any(|t| t == "out of sight" || t == "nothing"));
}

#[test]
fn names_in_the_key_never_overlap() {
    let mut chart = Chart::new("", "", "");
    for k in 0..30 {
        chart = chart.line(&format!("run {k}"), &[(0.0, 0.0), (1.0, 1.0 + 1e-3 * f64::from(k))]);
    }
    let svg = chart.svg();
    let xml = Document::parse(&svg).unwrap();
    let names = elements(&xml, "text").into_iter().filter(|n| n.text().unwrap().starts_with("run"));
    let mut heights: Vec<f64> = names.map(|n| get(n, "y")).collect();
    heights.sort_by(f64::total_cmp);
    assert_eq!(heights.len(), 30);
    assert!(heights.windows(2).all(|w| w[1] - w[0] > 15.0), "{heights:?}");
    assert!(heights[29] < area(&xml).1 && heights[0] > 0.0);
}

#[test]
fn a_name_has_one_colour_and_one_entry_and_a_dashed_line_that_of_its_companion() {
    let points = [(0.0, 1.0), (1.0, 2.0)];
    let chart = Chart::new("", "", "").line("a", &points).dashed("a'", &points).line("b", &points);
    let chart = chart.scatter("a", &points).ellipses("b", &[(0.0, 1.0, 0.1, 0.1)]).dashed("b'", &points);
    let svg = chart.svg();
    let xml = Document::parse(&svg).unwrap();
    assert_eq!(paths(&xml, SERIES[0]).len(), 3, "line, companion and scatter");
    assert_eq!(paths(&xml, SERIES[1]).len(), 2, "line and companion");
    assert!(!svg.contains(&format!("stroke=\"{}\" ", SERIES[2])));
    for name in ["a", "b", "a'", "b'"] {
        assert_eq!(texts(&xml).iter().filter(|t| *t == name).count(), 1, "{name}");
    }
}

#[test]
fn what_cannot_be_drawn_is_left_out() {
    let mut points = NONSENSE.to_vec();
    points.insert(2, (1.0, 1.0));
    points.push((3.0, 2.0));
    let ellipses = points.iter().map(|p| (p.0, p.1, 1.0, 1.0)).collect::<Vec<_>>();
    let values: Vec<f64> = points.iter().map(|p| p.1).collect();
    for svg in [
        Chart::new("", "", "").line("a", &points).svg(),
        Chart::new("", "", "").square().scatter("a", &points).ellipses("b", &ellipses).svg(),
        Chart::new("", "", "").bars("a", &values).level("l", f64::NAN).svg(),
        Chart::new("", "", "").contour("c", ellipses[0]).note("n", NONSENSE[0]).note("m", NONSENSE[1]).svg(),
        Chart::new("", "", "").y_range(0.0, 1e-30).x_range(0.0, 1e-30).line("a", &points).svg(),
    ] {
        let xml = Document::parse(&svg).unwrap();
        for attribute in xml.descendants().flat_map(|n| n.attributes()) {
            assert!(!attribute.value().contains("NaN") && !attribute.value().contains("inf"), "{attribute:?}");
        }
    }
    let xml = Chart::new("", "", "").line("a", &points).svg();
    let xml = Document::parse(&xml).unwrap();
    assert_eq!(paths(&xml, SERIES[0])[0].matches('M').count(), 2, "a gap breaks the curve");
}

#[test]
fn empty_and_flat_data_make_a_chart() {
    for chart in [
        Chart::new("", "", ""),
        Chart::new("", "", "").line("a", &[]).scatter("b", &[]).ellipses("c", &[]).bars("d", &[]),
        Chart::new("", "", "").square().line("a", &NONSENSE),
        Chart::new("", "", "").line("a", &[(5.0, 5.0)]).square(),
        Chart::new("", "", "").categories(&["only"]).bars("a", &[0.0]),
    ] {
        let svg = chart.svg();
        let xml = Document::parse(&svg).unwrap();
        assert!(texts(&xml).len() >= 4, "ticks are missing: {svg}");
    }
}

#[test]
fn text_reaches_the_reader_as_it_was_given() {
    let odd = "p(x|z) < \"q\" & r > 1";
    let svg = Chart::new(odd, odd, odd).line(odd, &[(0.0, 0.0)]).note(odd, (0.0, 0.0)).svg();
    let xml = Document::parse(&svg).unwrap();
    assert_eq!(texts(&xml).iter().filter(|t| *t == odd).count(), 5);
}

#[test]
fn every_colour_has_a_dark_counterpart() {
    let mut chart = Chart::new("t", "x", "y").level("l", 0.5).contour("c", (0.0, 0.0, 1.0, 1.0));
    for k in 0..11 {
        let name = k.to_string();
        chart = chart.line(&name, &[(0.0, 0.0), (1.0, 1.0)]).note(&name, (0.5, 0.5)).bars(&name, &[1.0]);
    }
    let svg = chart.svg();
    let xml = Document::parse(&svg).unwrap();
    let rules = elements(&xml, "style")[0].text().unwrap();
    let painted = xml.descendants().flat_map(|n| n.attributes()).filter(|a| ["fill", "stroke"].contains(&a.name()));
    let colors: Vec<&str> = painted.map(|a| a.value()).filter(|v| *v != "none").collect();
    assert!(colors.len() > 50);
    assert!(colors.iter().all(|c| rules.contains(&format!("[fill=\"{c}\"]"))), "{colors:?}");
}

#[test]
fn ten_thousand_dots_fit_in_a_small_file_and_none_is_lost() {
    let mut chart = Chart::new("", "", "");
    for class in 0..10 {
        let point = |i: i32| (f64::from(i * 7919 % 1000) + f64::from(class), f64::from(i * 104_729 % 997));
        chart = chart.scatter(&format!("class {class}"), &(0..1000).map(point).collect::<Vec<_>>());
    }
    let svg = chart.svg();
    assert!(svg.len() < 250_000, "{}", svg.len());
    let xml = Document::parse(&svg).unwrap();
    let dots = |color| paths(&xml, color).iter().map(|d| d.matches('M').count()).sum::<usize>();
    assert!(SERIES.iter().all(|color| dots(color) == 1000));
}

#[test]
#[should_panic(expected = "the range 2 to 1 cannot be drawn")]
fn a_range_goes_upwards() {
    let _ = Chart::new("", "", "").x_range(2.0, 1.0);
}
