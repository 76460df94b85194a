//! New images as files for other programs.

use crate::error::{Error, Result};
use crate::files;
use crate::plot::ImageGrid;
use ndarray::{ArrayView, IxDyn};
use ndarray_npy::WriteNpyExt;
use std::fs;
use std::path::Path;

/// The class that is called so, in any case.
///
/// # Errors
/// When there is none.
pub fn class_of(name: &str, classes: &[String]) -> Result<usize> {
    let is_it = |class: &String| class.to_lowercase() == name.to_lowercase();
    classes.iter().position(is_it).ok_or_else(|| Error::Setting {
        name: "class",
        expected: format!("one of {}", classes.join(", ")),
        found: name.into(),
    })
}

/// Writes images as a NumPy array `[N, C, H, W]` of 32-bit floats from 0 to 1.
///
/// # Errors
/// When the file is there, or cannot be written.
pub fn write_npy(images: &[Vec<f32>], shape: [usize; 3], path: &Path) -> Result<()> {
    let [channels, height, width] = shape;
    let data = images.concat();
    let shape = IxDyn(&[images.len(), channels, height, width]);
    let array = ArrayView::from_shape(shape, &data).expect("as many numbers as the images have");
    let mut bytes = Vec::new();
    array.write_npy(&mut bytes).map_err(|e| Error::Failed(format!("{}: {e}", path.display())))?;
    files::create(path, &bytes)
}

/// Writes each image as a PNG, `00000.png` and so on, into a new folder, which is there when all are.
///
/// # Errors
/// When the folder is there, or a file cannot be written.
pub fn write_pngs(images: &[Vec<f32>], shape: [usize; 3], folder: &Path) -> Result<()> {
    if files::is_there(folder)? {
        return Err(Error::Usage(format!("{} is there already; choose another name", folder.display())));
    }
    let beside = folder.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(beside).map_err(Error::io(beside))?;
    let making = tempfile::Builder::new().prefix(".elbo-").tempdir_in(beside).map_err(Error::io(beside))?;
    let digits = (images.len().max(2) - 1).to_string().len().max(5);
    for (i, image) in images.iter().enumerate() {
        let path = making.path().join(format!("{i:0digits$}.png"));
        fs::write(&path, ImageGrid::new(shape).images(&[image])).map_err(Error::io(&path))?;
    }
    fs::rename(making.path(), folder).map_err(Error::io(folder))?;
    // Nothing is left at its old place to remove.
    drop(making.keep());
    #[cfg(unix)]
    fs::set_permissions(folder, std::os::unix::fs::PermissionsExt::from_mode(0o755)).map_err(Error::io(folder))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plot::Image;

    #[test]
    fn images_are_read_back_from_what_is_written() {
        let dir = tempfile::tempdir().unwrap();
        let images = [vec![0.0, 1.0, 0.2, 0.4, 0.6, 0.8], vec![1.0; 6]];
        let (npy, png) = (dir.path().join("a.npy"), dir.path().join("b/c"));
        write_npy(&images, [1, 2, 3], &npy).unwrap();
        let bytes = fs::read(&npy).unwrap();
        // NumPy's format, version 1: a header of text, then the numbers.
        assert!(bytes.starts_with(b"\x93NUMPY\x01\x00"));
        let header = String::from_utf8_lossy(&bytes[10..128]).to_string();
        assert!(header.contains("'<f4'") && header.contains("(2, 1, 2, 3)"), "{header}");
        let numbers: Vec<f32> =
            bytes[bytes.len() - 48..].as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect();
        assert_eq!(numbers, images.concat());
        assert!(write_npy(&images, [1, 2, 3], &npy).is_err(), "what is there stays");
        write_pngs(&images, [1, 2, 3], &png).unwrap();
        let path = png.join("00000.png");
        let read = Image::decode(&fs::read(&path).unwrap(), &path).unwrap();
        assert_eq!((read.width, read.height), (3, 2));
        assert_eq!(fs::read_dir(&png).unwrap().count(), 2);
        assert_eq!(fs::read_dir(dir.path().join("b")).unwrap().count(), 1, "nothing else is left");
        assert!(write_pngs(&images, [1, 2, 3], &png).is_err(), "what is there stays");
    }

    #[test]
    fn a_class_is_found_in_any_case() {
        let classes = ["T-shirt/top", "Sneaker"].map(String::from);
        assert_eq!(class_of("sneaker", &classes).unwrap(), 1);
        let error = class_of("shoe", &classes).unwrap_err().to_string();
        assert_eq!(error, "class: expected one of T-shirt/top, Sneaker, found shoe");
    }
}
