//! What a file's content must be, in a few bytes.

use md5::Md5;
use sha2::{Digest as _, Sha256};

/// The digest of a file as its publisher, or a library that is trusted for it, states it: lower-case hexadecimal.
///
/// MD5 stands where no other is known. Two files with one MD5 can be made, but not one with the MD5 of a file that is there, so
/// it holds for a download too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Digest {
    /// SHA-256.
    Sha256(&'static str),
    /// MD5.
    Md5(&'static str),
}

impl Digest {
    /// `SHA-256` or `MD5`.
    pub fn algorithm(self) -> &'static str {
        match self {
            Digest::Sha256(_) => "SHA-256",
            Digest::Md5(_) => "MD5",
        }
    }

    /// The digest as text.
    pub fn text(self) -> &'static str {
        match self {
            Digest::Sha256(text) | Digest::Md5(text) => text,
        }
    }

    /// The digest of this kind of other bytes.
    pub fn of(self, bytes: &[u8]) -> String {
        match self {
            Digest::Sha256(_) => sha256(bytes),
            Digest::Md5(_) => hex(&Md5::digest(bytes)),
        }
    }
}

/// SHA-256 in lower-case hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_those_of_the_standards() {
        // RFC 1321, A.5, and FIPS 180-2, B.1.
        assert_eq!(Digest::Md5("").of(b"message digest"), "f96b697d7cb7938d525a2f31aaf161d0");
        assert_eq!(Digest::Md5("").of(b""), "d41d8cd98f00b204e9800998ecf8427e");
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(Digest::Sha256("").of(b"abc"), abc);
    }
}
