//! The training film: what a decoder makes of fixed latent points, and of fixed images, or a generator of fixed noise, one frame an epoch.

use super::generate::Source;
use super::{Subject, equal_mass, examples, plane};
use crate::data::Dataset;
use crate::error::Result;
use crate::files;
use crate::models::Trainer;
use crate::plot::{Image, ImageGrid, film};
use crate::report::Figure;
use crate::train::Folder;

/// Images in a row of a frame.
const ROW: usize = 10;
/// Rows of fixed latent points.
const ROWS: usize = 6;
/// How long a frame is shown, and the last one, in milliseconds.
const DELAYS: (u16, u16) = (300, 2000);

/// Writes the frame of the trainer's epoch: test images, their reconstructions, and below them a grid of fixed latent points of
/// equal prior mass; of a GAN, what becomes of fixed noise; none of a network that makes no images. Of points it is a plane. Frames are
/// files, so that a run that was interrupted has them all.
pub fn write_frame(trainer: &Trainer, data: &Dataset, folder: &Folder) -> Result<()> {
    if data.test.is_points() {
        let png = plane::frame(trainer, data);
        return png.map_or(Ok(()), |png| folder.write(&frame(trainer.progress.epoch), &png));
    }
    let grid = ImageGrid::new(data.test.shape()).per_row(ROW);
    if let Some(source) = Source::of(trainer) {
        let images = source.images(0..ROW * (ROWS + 2), |i| i % ROW % data.class_names.len());
        return folder.write(&frame(trainer.progress.epoch), &grid.images(&images));
    }
    let Some(subject) = Subject::of(trainer) else { return Ok(()) };
    let rows = examples(data, ROW);
    let originals = subject.images(&data.test, &rows);
    let codes = subject.encode(&originals);
    let reconstructions = subject.decode(&codes.into_iter().map(|c| c.mu).collect::<Vec<_>>());
    let point = |i: usize| {
        let mut z = vec![0.0; subject.latent];
        z[0] = equal_mass(i % ROW, ROW);
        if let Some(z1) = z.get_mut(1) {
            *z1 = equal_mass(ROWS - 1 - i / ROW, ROWS);
        }
        z
    };
    let decoded = subject.decode(&(0..ROW * ROWS).map(point).collect::<Vec<_>>());
    let png = grid.images(&[originals, reconstructions, decoded].concat());
    folder.write(&frame(trainer.progress.epoch), &png)
}

/// Writes `figures/fresh.png`: a trained GAN's images of noise that no frame has; nothing of other networks, and of points.
pub fn write_fresh(trainer: &Trainer, data: &Dataset, folder: &Folder) -> Result<()> {
    let Some(source) = Source::of(trainer).filter(|_| !data.test.is_points()) else { return Ok(()) };
    let first = ROW * (ROWS + 2);
    let images = source.images(first..first + ROW * ROW, |i| i % ROW % data.class_names.len());
    let figure = Figure::new("fresh.png", ImageGrid::new(data.test.shape()).per_row(ROW).images(&images));
    folder.write(&figure.path(), &figure.bytes)
}

/// Joins the frames of `epochs` epochs, those that are there, to `film.png`, an animated PNG.
///
/// # Errors
/// When a frame is damaged.
pub fn write_film(epochs: u64, folder: &Folder) -> Result<()> {
    let read = |epoch: u64| -> Result<Image> {
        let path = folder.path().join(frame(epoch));
        Image::decode(&files::read(&path, 1 << 26)?, &path)
    };
    let mut frames = Vec::new();
    for epoch in 1..=epochs {
        if files::is_there(&folder.path().join(frame(epoch)))? {
            frames.push(read(epoch)?);
        }
    }
    match frames.is_empty() {
        true => Ok(()),
        false => folder.write("film.png", &film(&frames, DELAYS.0, DELAYS.1)),
    }
}

fn frame(epoch: u64) -> String {
    format!("film/{epoch:04}.png")
}
