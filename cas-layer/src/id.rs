//! Names of 128 bits, the same on every node.

use sha2::{Digest as _, Sha256};

/// The first half of a digest.
pub(crate) fn first_half(digest: Sha256) -> [u8; 16] {
    let digest: [u8; 32] = digest.finalize().into();
    let mut half = [0; 16];
    for (to, from) in half.iter_mut().zip(digest) {
        *to = from;
    }
    half
}

/// Makes a type of such names. Each has a type of its own, so that none is taken for another.
macro_rules! id {
    ($(#[$docs:meta])* $name:ident) => {
        $(#[$docs])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name([u8; Self::LEN]);

        impl $name {
            /// Length in bytes.
            pub const LEN: usize = 16;

            /// The id as bytes, for a registry that stores it.
            #[must_use]
            pub fn as_bytes(&self) -> &[u8; Self::LEN] {
                &self.0
            }
        }

        impl From<[u8; $name::LEN]> for $name {
            fn from(bytes: [u8; $name::LEN]) -> Self {
                Self(bytes)
            }
        }

        /// Lower-case hexadecimal.
        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                ::data_encoding::HEXLOWER.encode_display(&self.0).fmt(f)
            }
        }

        impl ::std::fmt::Debug for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }
    };
}

pub(crate) use id;
