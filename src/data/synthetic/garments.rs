//! The pattern book: each class as a few pieces with measures drawn at random.
//!
//! Patterns are drawn in the square [−1, 1]², y pointing down, and nearly fill it. Pieces are laid one over the other.

use crate::rng::Stream;

/// (x, y).
pub type Point = [f64; 2];

/// A closed polygon, and how bright it is compared with the plain cloth: 1 is cloth, 0 cuts a hole.
pub struct Piece {
    pub outline: Vec<Point>,
    pub tone: f64,
}

/// Cuts a garment of a class.
pub fn cut(class: u8, random: &mut Stream) -> Vec<Piece> {
    let mut tailor = Tailor { random, pieces: Vec::new() };
    match class {
        0 => tailor.t_shirt(),
        1 => tailor.trouser(),
        2 => tailor.pullover(),
        3 => tailor.dress(),
        4 => tailor.coat(),
        5 => tailor.sandal(),
        6 => tailor.shirt(),
        7 => tailor.sneaker(),
        8 => tailor.bag(),
        _ => tailor.ankle_boot(),
    }
    tailor.pieces
}

struct Tailor<'a> {
    random: &'a mut Stream,
    pieces: Vec<Piece>,
}

/// Measures of what is worn on the upper body.
struct Top {
    neck: f64,
    neck_depth: f64,
    width: f64,
    waist: f64,
    hem: f64,
    hem_y: f64,
    /// The upper and the lower corner of the cuff, if there are sleeves.
    cuff: Option<[Point; 2]>,
}

const SHOULDER_Y: f64 = -0.82;

impl Tailor<'_> {
    fn vary(&mut self, low: f64, high: f64) -> f64 {
        self.random.between(low, high)
    }

    fn chance(&mut self, p: f64) -> bool {
        self.random.uniform() < p
    }

    fn piece(&mut self, tone: f64, outline: impl Into<Vec<Point>>) {
        self.pieces.push(Piece { outline: outline.into(), tone });
    }

    /// A piece and its mirror image.
    fn pair(&mut self, tone: f64, outline: &[Point]) {
        self.piece(tone, outline);
        self.piece(tone, mirrored(outline).collect::<Vec<_>>());
    }

    /// A symmetric piece, from the right half of its outline.
    fn symmetric(&mut self, tone: f64, half: &[Point]) {
        self.piece(tone, half.iter().copied().chain(mirrored(half).rev()).collect::<Vec<_>>());
    }

    /// A straight strip.
    fn strip(&mut self, tone: f64, width: f64, from: Point, to: Point) {
        let [x, y] = [to[0] - from[0], to[1] - from[1]];
        let half = 0.5 * width / (x * x + y * y).sqrt();
        let [dx, dy] = [-y * half, x * half];
        self.piece(
            tone,
            [
                [from[0] + dx, from[1] + dy],
                [to[0] + dx, to[1] + dy],
                [to[0] - dx, to[1] - dy],
                [from[0] - dx, from[1] - dy],
            ],
        );
    }

    fn top(&mut self, tone: f64, t: &Top) {
        let mut half = vec![[0.0, -0.92 + t.neck_depth], [0.7 * t.neck, -0.92 + 0.75 * t.neck_depth], [t.neck, -0.92]];
        match t.cuff {
            Some([outer, inner]) => half.extend([[0.9 * t.width, SHOULDER_Y], outer, inner, [t.width, -0.38]]),
            None => half.extend([[0.75 * t.width, -0.86], [0.72 * t.width, -0.6], [t.width, -0.36]]),
        }
        half.extend([[t.waist, 0.1], [t.hem, t.hem_y], [0.0, t.hem_y]]);
        self.symmetric(tone, &half);
    }

    /// A sleeve of half length, and how far it stands out.
    fn short_cuff(&mut self, width: f64) -> [Point; 2] {
        let outer = [width + self.vary(0.22, 0.4), SHOULDER_Y + self.vary(0.35, 0.6)];
        [outer, [outer[0] - self.vary(0.16, 0.24), outer[1] + self.vary(0.06, 0.14)]]
    }

    /// A sleeve that hangs down beside the body.
    fn long_cuff(&mut self, width: f64) -> [Point; 2] {
        let outer = [width + self.vary(0.28, 0.42), self.vary(0.5, 0.85)];
        [outer, [outer[0] - self.vary(0.17, 0.24), outer[1] + self.vary(0.0, 0.06)]]
    }

    fn t_shirt(&mut self) {
        let width = self.vary(0.46, 0.58);
        let top = Top {
            neck: self.vary(0.18, 0.3),
            neck_depth: self.vary(0.08, 0.34),
            width,
            waist: width - self.vary(0.0, 0.08),
            hem: width + self.vary(-0.04, 0.06),
            hem_y: self.vary(0.75, 0.94),
            cuff: if self.chance(0.85) { Some(self.short_cuff(width)) } else { None },
        };
        self.top(1.0, &top);
        if self.chance(0.35) {
            let (tone, size, y) = (self.vary(0.4, 1.4), self.vary(0.12, 0.26), self.vary(-0.25, 0.05));
            self.symmetric(tone, &[[0.0, y - size], [size, y - size], [size, y + size], [0.0, y + size]]);
        }
    }

    fn pullover(&mut self) {
        let width = self.vary(0.42, 0.54);
        let cuff = self.long_cuff(width);
        let top = Top {
            neck: self.vary(0.18, 0.3),
            neck_depth: self.vary(0.06, 0.16),
            width,
            waist: width,
            hem: width + self.vary(-0.06, 0.04),
            hem_y: self.vary(0.7, 0.9),
            cuff: Some(cuff),
        };
        self.top(1.0, &top);
        let ribs = self.vary(0.65, 0.9);
        let [hem, y] = [top.hem, top.hem_y];
        self.symmetric(ribs, &[[0.0, y - 0.12], [hem, y - 0.12], [hem, y], [0.0, y]]);
        let depth = -0.92 + top.neck_depth;
        self.pair(ribs, &[[0.0, depth], [top.neck, -0.92], [top.neck + 0.06, -0.84], [0.0, depth + 0.1]]);
        self.pair(0.55, &[[width - 0.03, -0.42], [width + 0.03, -0.36], [width - 0.02, -0.05]]);
    }

    fn coat(&mut self) {
        let width = self.vary(0.44, 0.56);
        let [outer, inner] = self.long_cuff(width);
        let top = Top {
            neck: self.vary(0.16, 0.24),
            neck_depth: self.vary(0.02, 0.08),
            width,
            waist: width - self.vary(0.0, 0.08),
            hem: width + self.vary(0.0, 0.14),
            hem_y: self.vary(0.9, 0.98),
            cuff: Some([outer, inner]),
        };
        self.top(1.0, &top);
        let (opening, x) = (self.vary(0.05, 0.12), self.vary(-0.06, 0.06));
        self.strip(0.15, opening, [x, -0.9], [x, 1.0]);
        let (lapel, collar) = (self.vary(-0.55, -0.2), self.vary(1.1, 1.3));
        self.pair(collar, &[[top.neck, -0.97], [top.neck + 0.14, -0.78], [0.08, lapel]]);
        let (y, slant) = (self.vary(0.15, 0.4), self.vary(-0.06, 0.06));
        let pocket = [[0.18, y], [0.36, y + slant], [0.36, y + slant + 0.08], [0.18, y + 0.08]];
        self.pair(0.5, &pocket);
        self.pair(0.3, &[[width - 0.04, -0.38], [width + 0.03, -0.36], [top.waist - 0.01, 0.2]]);
    }

    fn shirt(&mut self) {
        let width = self.vary(0.44, 0.58);
        let cuff = if self.chance(0.6) { self.long_cuff(width) } else { self.short_cuff(width) };
        let top = Top {
            neck: self.vary(0.16, 0.24),
            neck_depth: self.vary(0.1, 0.24),
            width,
            waist: width - self.vary(0.02, 0.12),
            hem: width + self.vary(-0.06, 0.04),
            hem_y: self.vary(0.78, 0.92),
            cuff: Some(cuff),
        };
        self.top(1.0, &top);
        let tail = self.vary(0.06, 0.16);
        self.symmetric(0.0, &[[top.hem - 0.16, 1.2], [top.hem + 0.1, top.hem_y - tail], [top.hem + 0.2, 1.2]]);
        let placket = self.vary(0.6, 0.8);
        self.strip(placket, 0.07, [0.0, -0.9 + top.neck_depth], [0.0, top.hem_y]);
        let collar = -0.92 + top.neck_depth;
        self.pair(1.25, &[[top.neck, -0.98], [top.neck + 0.1, -0.76], [0.1, collar + 0.16], [0.0, collar]]);
        if self.chance(0.5) {
            let y = self.vary(-0.35, -0.2);
            self.piece(0.75, [[0.14, y], [0.36, y], [0.36, y + 0.24], [0.14, y + 0.24]]);
        }
    }

    fn dress(&mut self) {
        let (chest, waist) = (self.vary(0.24, 0.34), self.vary(0.18, 0.28));
        let (waist_y, hem) = (self.vary(-0.35, -0.05), self.vary(0.3, 0.62));
        let (neck, depth, hem_y) = (self.vary(0.1, 0.18), self.vary(0.08, 0.3), self.vary(0.88, 0.98));
        let strap = self.vary(0.07, 0.14);
        let mut half = vec![[0.0, -0.96 + depth], [neck, -0.96]];
        if self.chance(0.35) {
            let (out, down) = (self.vary(0.14, 0.26), self.vary(0.2, 0.7));
            half.extend([[neck + strap, -0.94], [chest + out, -0.9 + down], [chest + out - 0.14, -0.86 + down]]);
        } else {
            half.push([neck + strap, -0.95]);
        }
        half.extend([[chest, -0.58], [waist, waist_y], [0.5 * (waist + hem) + 0.03, 0.35], [hem, hem_y], [0.0, hem_y]]);
        self.symmetric(1.0, &half);
        if self.chance(0.5) {
            let belt = self.vary(0.3, 0.7);
            self.strip(belt, 0.08, [-waist, waist_y], [waist, waist_y]);
        }
    }

    fn trouser(&mut self) {
        let (waist, hip) = (self.vary(0.24, 0.34), self.vary(0.3, 0.4));
        let (out, leg) = (self.vary(0.28, 0.5), self.vary(0.16, 0.28));
        let (crotch, end) = (self.vary(-0.5, -0.25), self.vary(0.9, 1.0));
        let knee = [0.5 * (hip + out), 0.25];
        self.symmetric(
            1.0,
            &[[0.0, -0.96], [waist, -0.96], [hip, -0.5], knee, [out, end], [out - leg, end], [0.01, crotch]],
        );
        self.strip(0.7, 0.1, [-waist, -0.92], [waist, -0.92]);
        self.strip(0.6, 0.05, [0.0, -0.9], [0.0, crotch]);
        self.pair(0.75, &[[waist - 0.02, -0.8], [waist + 0.02, -0.76], [0.55 * waist, -0.68], [0.55 * waist, -0.74]]);
    }

    fn bag(&mut self) {
        let (width, flare) = (self.vary(0.68, 0.92), self.vary(-0.12, 0.08));
        let (upper, lower) = (self.vary(-0.35, 0.05), self.vary(0.68, 0.85));
        let (grip, height) = (self.vary(0.28, 0.55), self.vary(0.35, 0.6));
        let rise = (upper - height).max(-0.92);
        let arch = |inset: f64| {
            rounded(&[
                [grip - inset, upper + 0.4],
                [grip - inset, rise + inset],
                [inset - grip, rise + inset],
                [inset - grip, upper + 0.4],
            ])
        };
        let tone = self.vary(0.7, 1.0);
        let thickness = self.vary(0.08, 0.15);
        self.piece(tone, arch(0.0));
        self.piece(0.0, arch(thickness));
        let half = [[0.0, upper], [width + flare, upper], [width, lower], [0.0, lower]];
        self.symmetric(1.0, &half);
        if self.chance(0.6) {
            let (flap, dip) = (self.vary(0.2, 0.4), self.vary(0.0, 0.15));
            let [edge, shade] = [upper + flap, self.vary(0.5, 0.8)];
            let side = width + flare - 0.04;
            self.pair(shade, &[[0.0, edge + dip], [side, edge], [side, edge + 0.07], [0.0, edge + dip + 0.07]]);
            self.piece(
                1.4,
                [
                    [-0.08, edge + dip - 0.06],
                    [0.08, edge + dip - 0.06],
                    [0.08, edge + dip + 0.1],
                    [-0.08, edge + dip + 0.1],
                ],
            );
        } else {
            self.strip(0.6, 0.07, [-0.8 * width, upper + 0.08], [0.8 * width, upper + 0.08]);
        }
    }

    fn sandal(&mut self) {
        let (heel, thickness) = (self.vary(0.0, 0.8), self.vary(0.14, 0.26));
        let ground = self.vary(0.45, 0.65) + 0.25 * heel;
        let arch = ground - heel;
        let sole = |t: f64| [[-0.95, ground - t], [-0.3, ground - t], [0.3, arch - t], [0.92, arch - t - 0.04]];
        let [a, b, c, d] = sole(thickness);
        self.piece(0.8, [a, b, c, d, [0.94, arch], [0.3, arch], [-0.3, ground], [-0.95, ground]]);
        if self.chance(0.5) {
            self.piece(0.8, [[0.6, arch], [0.94, arch - 0.04], [0.88, ground], [0.72, ground]]);
        } else {
            self.piece(0.65, [[-0.3, ground], [0.3, arch], [0.94, arch], [0.9, ground]]);
        }
        let strap = self.vary(0.11, 0.22);
        let height = self.vary(0.3, 0.55);
        let ankle = [0.45, arch - height - 0.1];
        self.strip(1.1, strap, [-0.75, a[1] + 0.04], [-0.45, ground - height]);
        self.strip(1.1, strap, [-0.45, ground - height], [-0.15, b[1]]);
        self.strip(1.0, strap, [-0.45, ground - height], ankle);
        self.strip(1.0, strap, ankle, [0.9, arch - 0.15]);
        if self.chance(0.6) {
            self.strip(0.9, strap, ankle, [0.25, c[1] + 0.04]);
        }
        let back = self.vary(0.25, 0.5);
        self.strip(1.0, strap, [0.88, arch - 0.1], [0.84, arch - back]);
    }

    fn sneaker(&mut self) {
        let ground = self.vary(0.35, 0.5);
        let (sole, toe) = (self.vary(0.1, 0.2), self.vary(0.2, 0.34));
        let (instep, collar) = (self.vary(0.5, 0.72), self.vary(0.62, 0.85));
        let upper = [
            [-0.97, ground],
            [-0.95, ground - toe],
            [-0.5, ground - toe - 0.1],
            [0.0, ground - instep],
            [0.25, ground - collar],
            [0.45, ground - 0.8 * collar],
            [0.7, ground - 0.85 * collar],
            [0.92, ground - collar],
            [0.96, ground],
        ];
        self.piece(1.0, rounded(&upper));
        let bright = if self.chance(0.6) { self.vary(1.3, 1.6) } else { self.vary(0.4, 0.6) };
        self.piece(
            bright,
            rounded(&[[-1.0, ground - sole], [0.98, ground - sole], [0.99, ground + 0.05], [-1.0, ground + 0.05]]),
        );
        for k in 0..3 {
            let [x, y] = [-0.38 + 0.17 * f64::from(k), ground - 0.42 - 0.08 * f64::from(k)];
            self.strip(0.5, 0.05, [x, y], [x + 0.12, y + 0.18]);
        }
        if self.chance(0.6) {
            let (tone, x) = (self.vary(0.3, 0.6), self.vary(0.1, 0.3));
            self.strip(tone, 0.1, [x, ground - sole], [x + 0.2, ground - 0.75 * collar]);
            self.strip(tone, 0.1, [x + 0.22, ground - sole], [x + 0.42, ground - 0.7 * collar]);
        }
    }

    fn ankle_boot(&mut self) {
        let ground = self.vary(0.75, 0.88);
        let (heel, toe) = (self.vary(0.06, 0.3), self.vary(0.26, 0.4));
        let (shaft, front) = (self.vary(-0.95, -0.6), self.vary(-0.15, 0.1));
        let lean = self.vary(-0.04, 0.08);
        let boot = [
            [-0.96, ground],
            [-0.95, ground - toe],
            [-0.5, ground - toe - 0.16],
            [front - 0.05, ground - 0.72],
            [front, shaft + 0.05],
            [front + lean, shaft],
            [0.82 + lean, shaft],
            [0.8, ground - 0.6],
            [0.88, ground - heel - 0.1],
            [0.86, ground - heel],
            [0.2, ground - heel],
            [-0.3, ground],
        ];
        self.piece(1.0, rounded(&boot));
        let dark = self.vary(0.4, 0.7);
        self.piece(
            dark,
            [[0.4, ground - heel - 0.05], [0.87, ground - heel - 0.05], [0.84, ground + 0.06], [0.48, ground + 0.06]],
        );
        self.strip(dark, 0.1, [-0.95, ground], [-0.2, ground]);
        if self.chance(0.5) {
            let x = self.vary(0.25, 0.5);
            self.strip(0.55, 0.08, [x, shaft + 0.05], [x + 0.02, ground - 0.45]);
        }
        if self.chance(0.5) {
            let y = ground - self.vary(0.6, 0.85);
            self.strip(0.6, 0.1, [front - 0.05, y], [0.8, y + 0.05]);
        }
    }
}

fn mirrored(outline: &[Point]) -> impl DoubleEndedIterator<Item = Point> {
    outline.iter().map(|&[x, y]| [-x, y])
}

/// Cuts the corners of a closed polygon, twice (Chaikin, *An algorithm for high-speed curve generation*, 1974).
fn rounded(outline: &[Point]) -> Vec<Point> {
    let mut points = outline.to_vec();
    for _ in 0..2 {
        let next = points.iter().skip(1).chain(points.first());
        let mix = |a: Point, b: Point| [0.75 * a[0] + 0.25 * b[0], 0.75 * a[1] + 0.25 * b[1]];
        points = points.iter().zip(next).flat_map(|(&a, &b)| [mix(a, b), mix(b, a)]).collect();
    }
    points
}
