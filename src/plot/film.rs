//! Animated PNG: the training film.

use super::image::{Image, color_type};
use png::{BitDepth, BlendOp, DisposeOp, Encoder, EncodingError};

/// The frames as an animated PNG that loops for ever: each is shown for `delay_ms`, the last one for `last_ms`.
/// Viewers without animation show the first frame.
///
/// # Panics
/// If there is no frame, or frames differ in size or channels.
///
/// ```
/// use elbo::plot::{Image, film};
/// let frames = [0, 128, 255].map(|v| Image { width: 4, height: 3, channels: 1, samples: vec![v; 12] });
/// let apng: Vec<u8> = film(&frames, 250, 2000);
/// assert_eq!(&apng[1..4], b"PNG");
/// ```
pub fn film(frames: &[Image], delay_ms: u16, last_ms: u16) -> Vec<u8> {
    let first = frames.first().expect("a film needs a frame");
    for (k, frame) in frames.iter().enumerate() {
        let size = |frame: &Image| (frame.width, frame.height, frame.channels);
        assert_eq!(size(frame), size(first), "frame {k} is not of frame 0's size");
    }
    encode(frames, delay_ms, last_ms).expect("memory takes every write, and the sizes agree")
}

fn encode(frames: &[Image], delay_ms: u16, last_ms: u16) -> Result<Vec<u8>, EncodingError> {
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, frames[0].width, frames[0].height);
    encoder.set_color(color_type(frames[0].channels as usize));
    encoder.set_depth(BitDepth::Eight);
    encoder.set_animated(frames.len() as u32, 0)?;
    encoder.set_blend_op(BlendOp::Source)?;
    encoder.set_dispose_op(DisposeOp::None)?;
    encoder.set_frame_delay(if frames.len() == 1 { last_ms } else { delay_ms }, 1000)?;
    let mut writer = encoder.write_header()?;
    for (k, frame) in frames.iter().enumerate() {
        if k > 0 {
            writer.set_frame_delay(if k + 1 == frames.len() { last_ms } else { delay_ms }, 1000)?;
        }
        writer.write_image_data(&frame.samples)?;
    }
    writer.finish()?;
    Ok(bytes)
}

/// At most `most` of a film's frames, evenly from the first to the last, each shown for as long as before. None if the film is no
/// longer than that, or no APNG whose frames stand for themselves, as those of [`film`] do.
pub fn excerpt(apng: &[u8], most: usize) -> Option<Vec<u8>> {
    const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";
    let mut chunks = Vec::new();
    let mut rest = apng.strip_prefix(SIGNATURE)?;
    while !rest.is_empty() {
        let (length, after) = rest.split_first_chunk()?;
        let (kind, after) = after.split_first_chunk::<4>()?;
        let (data, after) = after.split_at_checked(u32::from_be_bytes(*length) as usize)?;
        chunks.push((kind, data));
        rest = after.get(4..)?; // the checksum
    }
    let frames = chunks.iter().filter(|(kind, _)| *kind == b"fcTL").count();
    if frames <= most || most < 2 {
        return None;
    }
    let mut out = SIGNATURE.to_vec();
    let mut put = |kind: &[u8; 4], data: &[u8]| {
        out.extend((data.len() as u32).to_be_bytes());
        let start = out.len();
        out.extend([kind, data].concat());
        out.extend(crc32fast::hash(&out[start..]).to_be_bytes());
    };
    let kept: Vec<usize> = (0..most).map(|i| i * (frames - 1) / (most - 1)).collect();
    // Chunks of frames are numbered throughout.
    let (mut number, mut frame, mut is_kept) = (0_u32, 0, true);
    for (kind, data) in chunks {
        match kind {
            b"acTL" => put(kind, &[&(most as u32).to_be_bytes(), data.get(4..)?].concat()),
            b"fcTL" | b"fdAT" => {
                if kind == b"fcTL" {
                    is_kept = kept.contains(&frame);
                    frame += 1;
                }
                if is_kept {
                    put(kind, &[&number.to_be_bytes(), data.get(4..)?].concat());
                    number += 1;
                }
            }
            _ => put(kind, data),
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    fn frames(n: u8) -> Vec<Image> {
        (0..n)
            .map(|k| Image { width: 3, height: 2, channels: 1, samples: (0..6).map(|i| 10 * k + i).collect() })
            .collect()
    }

    /// Pixels and delay in ms of every frame, and the number of plays, as the decoder sees them.
    fn decode(apng: &[u8]) -> (Vec<(Vec<u8>, u32)>, u32) {
        let mut reader = png::Decoder::new(Cursor::new(apng)).read_info().unwrap();
        let control = *reader.info().animation_control().unwrap();
        let shown = (0..control.num_frames).map(|_| {
            let mut pixels = vec![0; 6];
            reader.next_frame(&mut pixels).unwrap();
            let frame = reader.info().frame_control().unwrap();
            (pixels, u32::from(frame.delay_num) * 1000 / u32::from(frame.delay_den))
        });
        (shown.collect(), control.num_plays)
    }

    #[test]
    fn a_film_shows_its_frames_in_order_and_the_last_one_longer() {
        let (shown, plays) = decode(&film(&frames(4), 200, 1500));
        assert_eq!(plays, 0, "0 plays means for ever");
        for (k, ((pixels, delay), frame)) in shown.iter().zip(frames(4)).enumerate() {
            assert_eq!(*pixels, frame.samples);
            assert_eq!(*delay, if k == 3 { 1500 } else { 200 });
        }
        assert_eq!(shown.len(), 4);
    }

    #[test]
    fn a_film_of_one_frame_is_a_film() {
        let (shown, _) = decode(&film(&frames(1), 200, 1500));
        assert_eq!(shown, [(frames(1)[0].samples.clone(), 1500)]);
    }

    #[test]
    fn a_film_in_colour_is_one() {
        let frames = [0, 50].map(|k| Image { width: 2, height: 1, channels: 3, samples: (k..k + 6).collect() });
        let (shown, _) = decode(&film(&frames, 200, 1500));
        assert_eq!(shown, [(frames[0].samples.clone(), 200), (frames[1].samples.clone(), 1500)]);
    }

    #[test]
    #[should_panic(expected = "frame 1 is not of frame 0's size")]
    fn frames_of_two_sizes_are_a_mistake() {
        let small = Image { width: 1, height: 1, channels: 1, samples: vec![0] };
        film(&[frames(1)[0].clone(), small], 1, 1);
    }

    #[test]
    fn an_excerpt_has_the_first_and_the_last_frame_and_some_between() {
        let whole = film(&frames(9), 300, 2000);
        let (shown, plays) = decode(&excerpt(&whole, 4).unwrap());
        let of = |k: usize| (frames(9)[k].samples.clone(), if k == 8 { 2000 } else { 300 });
        assert_eq!((shown, plays), ([0, 2, 5, 8].map(of).to_vec(), 0));
        assert!(excerpt(&whole, 9).is_none() && excerpt(b"GIF89a", 4).is_none() && excerpt(&whole[..90], 4).is_none());
    }
}
