//! One source, compiled for several instruction sets, chosen at run time.
//!
//! `simd!` takes one function body and compiles it three times: for AVX-512, for AVX2 with FMA, and for whatever the
//! build targets. Nothing in a body depends on the vector width, each operation rounds as IEEE 754 says, and Rust never
//! fuses or reorders them, so all three give the same bits. Only the speed differs.

use std::fmt;
use std::sync::atomic::{AtomicU8, Ordering};

/// The instruction set in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Path {
    /// What the build targets: SSE2 on x86-64, NEON on aarch64. Without FMA instructions it is slow, but the same bits.
    Portable = 1,
    /// AVX2 and FMA: 8 `f32` a vector.
    Avx2 = 2,
    /// AVX-512 (F, BW, DQ, VL): 16 `f32` a vector.
    Avx512 = 3,
}

impl Path {
    /// All of them, narrowest first.
    pub const ALL: [Path; 3] = [Path::Portable, Path::Avx2, Path::Avx512];

    /// Whether this processor can run it.
    pub fn is_supported(self) -> bool {
        #[cfg(target_arch = "x86_64")]
        let supported = match self {
            Path::Portable => true,
            Path::Avx2 => is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma"),
            Path::Avx512 => {
                is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512dq")
                    && is_x86_feature_detected!("avx512vl")
            }
        };
        #[cfg(not(target_arch = "x86_64"))]
        let supported = self == Path::Portable;
        supported
    }

    /// The path in use: the widest that this processor supports, or the one [forced](Path::force).
    #[inline]
    pub fn current() -> Path {
        match CURRENT.load(Ordering::Relaxed) {
            1 => Path::Portable,
            2 => Path::Avx2,
            3 => Path::Avx512,
            _ => {
                let best = *Self::ALL.iter().rev().find(|p| p.is_supported()).expect("the portable path always runs");
                best.force();
                best
            }
        }
    }

    /// Uses this path from now on, in the whole process. Results do not change, only speed does.
    ///
    /// # Panics
    /// When this processor does not support it.
    pub fn force(self) {
        assert!(self.is_supported(), "simd: this processor does not support {self}");
        CURRENT.store(self as u8, Ordering::Relaxed);
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.pad(match self {
            Path::Portable => "portable",
            Path::Avx2 => "avx2",
            Path::Avx512 => "avx512",
        })
    }
}

/// Runs `f` on each path that this processor supports, then goes back. The path is the whole process': tests that force it wait for each
/// other, so that none takes another's for the one to go back to.
#[cfg(test)]
pub fn on_every_path(mut f: impl FnMut(Path)) {
    use std::sync::{Mutex, PoisonError};
    static ALONE: Mutex<()> = Mutex::new(());
    struct Back(Path);
    impl Drop for Back {
        fn drop(&mut self) {
            self.0.force();
        }
    }
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let _back = Back(Path::current());
    for path in Path::ALL.into_iter().filter(|path| path.is_supported()) {
        path.force();
        f(path);
    }
}

/// Whether `run` gives the same on each path and on any number of threads.
///
/// # Panics
/// Where it does not.
#[cfg(test)]
pub fn same_everywhere<R: PartialEq + Send>(run: impl Fn() -> R + Sync) {
    let expected = run();
    on_every_path(|path| {
        for threads in [1, 2, 4] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            assert!(pool.install(&run) == expected, "{path}, {threads} threads");
        }
    });
}

static CURRENT: AtomicU8 = AtomicU8::new(0);

/// Compiles a function for every [`Path`] and calls the one in use. The body must inline whatever it calls.
macro_rules! simd {
    (
        $(#[$meta:meta])*
        $vis:vis fn $name:ident<$F:ident: Real $(, $G:ident: $bound:path)? $(, const $N:ident: usize)*>(
            $($arg:ident: $ty:ty),* $(,)?
        ) $(-> $ret:ty)? $body:block
    ) => {
        $(#[$meta])*
        $vis fn $name<$F: Real $(, $G: $bound)? $(, const $N: usize)*>($($arg: $ty),*) $(-> $ret)? {
            #[inline(always)]
            fn body<$F: Real $(, $G: $bound)? $(, const $N: usize)*>($($arg: $ty),*) $(-> $ret)? $body

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma")]
            fn avx2<$F: Real $(, $G: $bound)? $(, const $N: usize)*>($($arg: $ty),*) $(-> $ret)? {
                body($($arg),*)
            }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
            fn avx512<$F: Real $(, $G: $bound)? $(, const $N: usize)*>($($arg: $ty),*) $(-> $ret)? {
                body($($arg),*)
            }
            match $crate::kernels::simd::Path::current() {
                // SAFETY: a path is current only if the processor supports its features.
                #[cfg(target_arch = "x86_64")]
                $crate::kernels::simd::Path::Avx512 => unsafe { avx512($($arg),*) },
                // SAFETY: as above.
                #[cfg(target_arch = "x86_64")]
                $crate::kernels::simd::Path::Avx2 => unsafe { avx2($($arg),*) },
                _ => body($($arg),*),
            }
        }
    };
}
pub(crate) use simd;
