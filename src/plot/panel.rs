//! Panels: rows of small images with captions, as one SVG. The images are embedded, so the file stands alone.

use super::image::{check_channels, color_type, encode, interleaved, mean_of_channels, sample, shown};
use super::style::{GRID, INK, MUTED, SERIES, heat};
use super::svg::{document, heading, num, text, text_width, wrap};
use base64::{Engine, engine::general_purpose::STANDARD};
use png::ColorType;

/// Rows of images of one size, with names to their left, captions above the columns and below each image.
///
/// Heat maps of a panel share one scale, from zero to the largest value in any of them. Of several channels they show the mean.
///
/// ```
/// use elbo::plot::{Panel, ImageRow};
/// let digits = vec![vec![0.5f32; 28 * 28]; 3];
/// let svg = Panel::new("Reconstructions", [1, 28, 28])
///     .columns(&["Sandal", "Bag", "Ankle boot"])
///     .row(ImageRow::images("original", &digits))
///     .row(ImageRow::images("VAE", &digits).captions(&["231.4 nats", "240.2 nats", "198.9 nats"]))
///     .svg();
/// assert!(svg.starts_with("<svg"));
/// ```
#[derive(Clone, Debug)]
pub struct Panel {
    title: String,
    shape: [usize; 3],
    columns: Vec<String>,
    rows: Vec<ImageRow>,
}

/// One row of a [`Panel`].
#[derive(Clone, Debug)]
pub struct ImageRow {
    name: String,
    images: Vec<Vec<f32>>,
    is_heat: bool,
    captions: Vec<String>,
    framed: Vec<usize>,
}

impl ImageRow {
    /// Images: values channel after channel, row by row, 0 black and 1 white.
    pub fn images<I: AsRef<[f32]>>(name: &str, images: &[I]) -> Self {
        let images = images.iter().map(|i| i.as_ref().to_vec()).collect();
        ImageRow { name: name.to_string(), images, is_heat: false, captions: Vec::new(), framed: Vec::new() }
    }

    /// Heat maps of values from zero up, with a colour bar below the row's name.
    pub fn heat<I: AsRef<[f32]>>(name: &str, images: &[I]) -> Self {
        ImageRow { is_heat: true, ..ImageRow::images(name, images) }
    }

    /// Small text below each image.
    pub fn captions<S: AsRef<str>>(mut self, captions: &[S]) -> Self {
        self.captions = owned(captions);
        self
    }

    /// Draws a frame around the images at these places, counted from 0.
    pub fn framed(mut self, places: &[usize]) -> Self {
        self.framed = places.to_vec();
        self
    }
}

const SMALL: f64 = 12.0;
const HEADER: f64 = 14.0;
const GAP: f64 = 8.0;
const MARGIN: f64 = 20.0;

impl Panel {
    /// An empty panel with a heading, for images of the shape `[channels, height, width]`, of 1 channel (grey) or 3 (red, green and
    /// blue).
    ///
    /// # Panics
    /// For any other number of channels.
    pub fn new(title: &str, shape: [usize; 3]) -> Self {
        check_channels(shape);
        Panel { title: title.to_string(), shape, columns: Vec::new(), rows: Vec::new() }
    }

    /// Captions above the columns.
    pub fn columns<S: AsRef<str>>(mut self, captions: &[S]) -> Self {
        self.columns = owned(captions);
        self
    }

    /// One more row below the others.
    ///
    /// # Panics
    /// If an image is not of the panel's size.
    pub fn row(mut self, mut row: ImageRow) -> Self {
        for (k, image) in row.images.iter_mut().enumerate() {
            let shape = self.shape;
            assert_eq!(
                image.len(),
                shape.iter().product::<usize>(),
                "image {k} of row {:?} is not {}",
                row.name,
                shown(shape)
            );
            if row.is_heat {
                *image = mean_of_channels(image, shape[0]);
            }
        }
        self.rows.push(row);
        self
    }

    /// The panel as an SVG file.
    pub fn svg(&self) -> String {
        let places = self.rows.iter().map(|r| r.images.len()).max().unwrap_or(0).max(1) as f64;
        let names = self.rows.iter().map(|r| text_width(&r.name, HEADER)).fold(0.0, f64::max);
        let heated = self.rows.iter().any(|r| r.is_heat);
        let left = MARGIN + if heated { names.max(64.0) } else { names } + if names > 0.0 { 14.0 } else { 0.0 };
        // As wide as a chart, unless that makes the images very large or small.
        let tile = ((800.0 - MARGIN - left + GAP) / places - GAP).clamp(36.0, 112.0);
        let [channels, height, width] = self.shape;
        let sheet = Sheet { left, tile, tall: tile * height as f64 / width as f64 };
        let width = (left + places * (tile + GAP) - GAP + MARGIN).max(480.0);
        let hottest = self.rows.iter().filter(|r| r.is_heat).flat_map(|r| r.images.iter().flatten());
        let hottest = hottest.copied().fold(0.0, f32::max);

        let (mut body, mut y) = heading(MARGIN, width - 2.0 * MARGIN, &self.title);
        let (captions, below) = sheet.captions(&self.columns, y, SMALL + 1.0, INK);
        body += &captions;
        y = if self.columns.is_empty() { y } else { below + 6.0 };
        for row in &self.rows {
            body += &text((MARGIN, y + sheet.tall / 2.0 + 5.0), HEADER, INK, "", &row.name);
            if row.is_heat {
                body += &color_bar(y + sheet.tall / 2.0 + 12.0, hottest);
            }
            for (place, image) in row.images.iter().enumerate() {
                let (color, samples): (_, Vec<u8>) = match row.is_heat {
                    true => {
                        (ColorType::Rgb, image.iter().flat_map(|v| heat(v / hottest.max(f32::MIN_POSITIVE))).collect())
                    }
                    false => (color_type(channels), interleaved(image, channels).into_iter().map(sample).collect()),
                };
                let png = encode(self.shape[2], self.shape[1], color, &samples);
                body += &picture(sheet.x(place), y, sheet.tile, sheet.tall, &png);
                body += &sheet.frame(place, y, row.framed.contains(&place));
            }
            let (captions, below) = sheet.captions(&row.captions, y + sheet.tall + 2.0, SMALL, MUTED);
            body += &captions;
            y = below + GAP + if row.captions.is_empty() { 0.0 } else { 6.0 };
        }
        document(width, y + MARGIN - GAP, &self.title, &body)
    }
}

/// Where the images of a panel stand, and their size on it.
struct Sheet {
    left: f64,
    tile: f64,
    tall: f64,
}

impl Sheet {
    fn x(&self, place: usize) -> f64 {
        self.left + place as f64 * (self.tile + GAP)
    }

    /// Captions centred on the columns, from `y` downwards; and the y below the longest.
    fn captions(&self, captions: &[String], y: f64, size: f64, color: &str) -> (String, f64) {
        let (mut out, mut below) = (String::new(), y);
        for (place, caption) in captions.iter().enumerate() {
            for (i, line) in wrap(caption, self.tile + GAP - 2.0, size).iter().enumerate() {
                let bottom = y + (size + 3.0) * (i + 1) as f64;
                let at = (self.x(place) + self.tile / 2.0, bottom - 2.0);
                out += &text(at, size, color, "text-anchor=\"middle\"", line);
                below = below.max(bottom);
            }
        }
        (out, below)
    }

    /// A hairline, so that a black image has an edge on dark paper; or a frame that strikes the eye.
    fn frame(&self, place: usize, y: f64, bold: bool) -> String {
        let (color, stroke) = if bold { (SERIES[1], 3.0) } else { (GRID, 1.0) };
        let (x, y) = (num(self.x(place) - stroke / 2.0), num(y - stroke / 2.0));
        let (w, h) = (num(self.tile + stroke), num(self.tall + stroke));
        format!(
            "<rect x=\"{x}\" y=\"{y}\" width=\"{w}\" height=\"{h}\" fill=\"none\" stroke=\"{color}\" \
             stroke-width=\"{stroke}\"/>\n"
        )
    }
}

/// The colours from 0 to `max` and the two numbers.
fn color_bar(y: f64, max: f32) -> String {
    let ramp: Vec<u8> = (0..64).flat_map(|i| heat(i as f32 / 63.0)).collect();
    let mut out = picture(MARGIN, y, 64.0, 8.0, &encode(64, 1, ColorType::Rgb, &ramp));
    out += &text((MARGIN, y + 22.0), SMALL, MUTED, "", "0");
    let label = if (0.01..1000.0).contains(&max) { format!("{max:.2}") } else { format!("{max:.1e}") };
    out + &text((MARGIN + 64.0, y + 22.0), SMALL, MUTED, "text-anchor=\"end\"", &label)
}

/// An embedded PNG, stretched to the rectangle without smoothing.
fn picture(x: f64, y: f64, width: f64, height: f64, png: &[u8]) -> String {
    let (x, y, width, height, data) = (num(x), num(y), num(width), num(height), STANDARD.encode(png));
    format!(
        "<image x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" preserveAspectRatio=\"none\" \
         style=\"image-rendering:pixelated\" href=\"data:image/png;base64,{data}\"/>\n"
    )
}

fn owned<S: AsRef<str>>(texts: &[S]) -> Vec<String> {
    texts.iter().map(|t| t.as_ref().to_string()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plot::Image;
    use roxmltree::{Document, Node};

    fn get(node: Node, attribute: &str) -> f64 {
        node.attribute(attribute).unwrap().parse().unwrap()
    }

    fn images<'a>(xml: &'a Document) -> Vec<Node<'a, 'a>> {
        xml.descendants().filter(|n| n.has_tag_name("image")).collect()
    }

    fn data(image: Node) -> Vec<u8> {
        STANDARD.decode(image.attribute("href").unwrap().strip_prefix("data:image/png;base64,").unwrap()).unwrap()
    }

    #[test]
    fn images_stand_in_reading_order_under_their_captions() {
        let numbered = |k: u8| -> Vec<[f32; 6]> { (k..k + 3).map(|v| [f32::from(v) / 255.0; 6]).collect() };
        let names = ["left", "middle", "right"];
        let panel = Panel::new("", [1, 3, 2]).columns(&names).row(ImageRow::images("first", &numbered(10)));
        let svg = panel.row(ImageRow::images("second", &numbered(20)).captions(&["x", "y", "z"])).svg();
        let xml = Document::parse(&svg).unwrap();
        let pixels: Vec<Image> =
            images(&xml).into_iter().map(|i| Image::decode(&data(i), "".as_ref()).unwrap()).collect();
        for (image, value) in pixels.iter().zip([10, 11, 12, 20, 21, 22]) {
            assert_eq!(*image, Image { width: 2, height: 3, channels: 1, samples: vec![value; 6] });
        }
        let images = images(&xml);
        let center = |i: usize| get(images[i], "x") + get(images[i], "width") / 2.0;
        let text = |s: &str| xml.descendants().find(|n| n.has_tag_name("text") && n.text() == Some(s)).unwrap();
        for (place, (above, below)) in names.iter().zip(["x", "y", "z"]).enumerate() {
            assert!((get(text(above), "x") - center(place)).abs() < 0.2);
            assert!((get(text(below), "x") - center(3 + place)).abs() < 0.2);
            assert!(get(text(above), "y") < get(images[place], "y"));
            assert!(get(text(below), "y") > get(images[3 + place], "y") + get(images[3 + place], "height"));
        }
        assert!(center(0) < center(1) && center(1) < center(2) && center(0) == center(3));
        assert!(get(images[0], "height") / get(images[0], "width") - 1.5 < 0.01);
    }

    #[test]
    fn heat_rows_share_a_scale_and_say_which() {
        let rgb = |png: Vec<u8>| {
            let mut reader = png::Decoder::new(std::io::Cursor::new(png)).read_info().unwrap();
            let mut rgb = vec![0; reader.output_buffer_size().unwrap()];
            reader.next_frame(&mut rgb).unwrap();
            rgb
        };
        let svg = Panel::new("", [1, 1, 1])
            .row(ImageRow::heat("AE", &[[0.5f32]]))
            .row(ImageRow::heat("VAE", &[[0.25f32]]))
            .svg();
        let xml = Document::parse(&svg).unwrap();
        let tiles: Vec<Vec<u8>> = images(&xml).into_iter().map(|i| rgb(data(i))).filter(|p| p.len() == 3).collect();
        assert_eq!(tiles, [[252, 255, 164], [186, 54, 85]]);
        assert_eq!(xml.descendants().filter(|n| n.text() == Some("0.50") && n.has_tag_name("text")).count(), 2);
    }

    #[test]
    fn images_in_colour_are_shown_in_it_and_their_heat_is_the_mean_of_their_channels() {
        let image = [0.2, 0.4, 0.6, 0.8, 1.0, 0.0f32];
        let svg =
            Panel::new("", [3, 1, 2]).row(ImageRow::images("x", &[image])).row(ImageRow::heat("std", &[image])).svg();
        let xml = Document::parse(&svg).unwrap();
        let shown = images(&xml).into_iter().map(|i| Image::decode(&data(i), "".as_ref()).unwrap());
        let shown: Vec<Vec<u8>> = shown.filter(|i| i.width == 2).map(|i| i.samples).collect();
        let heat = |v| super::heat(v).to_vec();
        assert_eq!(shown, [vec![51, 153, 255, 102, 204, 0], [heat(1.0), heat(0.4 / 0.6)].concat()]);
    }

    #[test]
    fn framed_images_are_told_from_the_others() {
        let svg = Panel::new("", [1, 1, 1]).row(ImageRow::images("", &[[0.0f32]; 4]).framed(&[0, 3])).svg();
        let xml = Document::parse(&svg).unwrap();
        let bold = xml.descendants().filter(|n| n.has_tag_name("rect") && n.attribute("stroke") == Some(SERIES[1]));
        let places: Vec<f64> = bold.map(|n| get(n, "x") + 1.5).collect();
        assert_eq!(places, [get(images(&xml)[0], "x"), get(images(&xml)[3], "x")]);
    }

    #[test]
    fn odd_numbers_and_empty_panels_make_a_file() {
        let odd = [[f32::NAN, f32::INFINITY, -1.0, 2.0]];
        for panel in [
            Panel::new("<&>", [1, 28, 28]),
            Panel::new("", [1, 2, 2]).row(ImageRow::heat("std", &odd)).row(ImageRow::images("x", &odd)),
            Panel::new("", [1, 2, 2]).row(ImageRow::images::<[f32; 4]>("none", &[])),
            Panel::new("", [1, 2, 2]).row(ImageRow::heat("zero", &[[0.0f32; 4]])),
        ] {
            let svg = panel.svg();
            let xml = Document::parse(&svg).unwrap();
            let sizes = xml
                .descendants()
                .flat_map(|n| n.attributes())
                .filter(|a| ["x", "y", "width", "height"].contains(&a.name()));
            assert!(
                sizes.clone().count() > 2 && sizes.into_iter().all(|a| a.value().parse::<f64>().unwrap().is_finite())
            );
        }
    }

    #[test]
    #[should_panic(expected = "image 0 of row \"AE\" is not 28x28")]
    fn an_image_of_another_size_is_a_mistake() {
        let _ = Panel::new("", [1, 28, 28]).row(ImageRow::images("AE", &[[0.0f32; 4]]));
    }
}
