//! The colours, in one place: paper and ink with their dark counterparts, ten series colours, and the heat map.
//!
//! An SVG is written in the light colours. [`dark_rules`] is a style sheet that replaces each of them where the viewer
//! prefers dark; so a colour used in an SVG must be one of these.

/// The background.
pub const PAPER: &str = "#FFFFFF";
/// Titles, labels and captions.
pub const INK: &str = "#1F2328";
/// Tick labels, reference lines and what else stands back.
pub const MUTED: &str = "#59636E";
/// Grid lines.
pub const GRID: &str = "#E3E7EB";
/// The series, told apart by red- and green-blind eyes as well, with a contrast of at least 3 to the paper.
pub const SERIES: [&str; 10] =
    ["#0072B2", "#D55E00", "#13956E", "#B5468B", "#7A4B1E", "#4C87E4", "#CE8510", "#6A3D9A", "#8A9299", "#BC014C"];

const DARK: [(&str, &str); 14] = [
    (PAPER, "#0D1117"),
    (INK, "#E6EDF3"),
    (MUTED, "#9DA7B3"),
    (GRID, "#262C36"),
    (SERIES[0], "#4DA3E0"),
    (SERIES[1], "#FF8A3D"),
    (SERIES[2], "#62D88B"),
    (SERIES[3], "#FFBEC7"),
    (SERIES[4], "#AA7832"),
    (SERIES[5], "#82DDFF"),
    (SERIES[6], "#F3C627"),
    (SERIES[7], "#8471FC"),
    (SERIES[8], "#B4A7AF"),
    (SERIES[9], "#FE4F75"),
];

/// The numbers of a colour of this file.
pub fn rgb(hex: &str) -> [u8; 3] {
    std::array::from_fn(|c| u8::from_str_radix(&hex[1 + 2 * c..][..2], 16).expect("a colour is #RRGGBB"))
}

/// The style sheet that turns a light picture dark for viewers who prefer that.
pub fn dark_rules() -> String {
    let rules =
        DARK.map(|(light, dark)| format!("[fill=\"{light}\"]{{fill:{dark}}}[stroke=\"{light}\"]{{stroke:{dark}}}"));
    format!("@media (prefers-color-scheme: dark){{{}}}", rules.concat())
}

/// The colour map "inferno" at nine equal steps: lightness grows evenly from near black to pale yellow.
const HEAT: [[u8; 3]; 9] = [
    [0, 0, 4],
    [31, 12, 72],
    [85, 15, 109],
    [136, 34, 106],
    [186, 54, 85],
    [227, 89, 51],
    [249, 140, 10],
    [249, 201, 50],
    [252, 255, 164],
];

/// The RGB colour of `share`, which is clamped to 0..=1; NaN counts as 0.
pub fn heat(share: f32) -> [u8; 3] {
    let share = if share.is_nan() { 0.0 } else { share.clamp(0.0, 1.0) };
    let at = share * (HEAT.len() - 1) as f32;
    let low = (at as usize).min(HEAT.len() - 2);
    let part = at - low as f32;
    std::array::from_fn(|c| {
        let (a, b) = (f32::from(HEAT[low][c]), f32::from(HEAT[low + 1][c]));
        (a + (b - a) * part).round() as u8
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_heat_map_gets_lighter_with_every_step_and_takes_any_number() {
        let luma = |share: f32| {
            let [r, g, b] = heat(share).map(f32::from);
            0.2126 * r + 0.7152 * g + 0.0722 * b
        };
        let steps: Vec<f32> = (0..=32).map(|i| luma(i as f32 / 32.0)).collect();
        assert!(steps.is_sorted_by(|a, b| a < b), "{steps:?}");
        assert_eq!(heat(0.0), [0, 0, 4]);
        assert_eq!(heat(1.0), [252, 255, 164]);
        assert_eq!([heat(-1.0), heat(f32::NAN), heat(f32::INFINITY)], [heat(0.0), heat(0.0), heat(1.0)]);
    }

    #[test]
    fn series_stand_out_from_the_paper_in_light_and_in_dark() {
        let channel = |hex: &str, i: usize| {
            let v = f64::from(u8::from_str_radix(&hex[i..i + 2], 16).unwrap()) / 255.0;
            if v <= 0.04045 { v / 12.92 } else { ((v + 0.055) / 1.055).powf(2.4) }
        };
        let luminance = |h: &str| 0.2126 * channel(h, 1) + 0.7152 * channel(h, 3) + 0.0722 * channel(h, 5);
        let contrast = |a, b| {
            let (a, b) = (luminance(a) + 0.05, luminance(b) + 0.05);
            f64::max(a, b) / f64::min(a, b)
        };
        for (light, dark) in &DARK[4..] {
            assert!(contrast(PAPER, light) >= 2.95, "{light}");
            assert!(contrast(DARK[0].1, dark) >= 4.5, "{dark}");
        }
    }
}
