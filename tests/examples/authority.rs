//! Makes a certificate authority for a server that reads only once, when it starts, whom it trusts.
//!
//! ```text
//! cargo run -p cas-layer-tests --example authority -- CERTIFICATE KEY
//! ```
//!
//! CERTIFICATE and KEY are the files to write, in PEM form. A suite with the key signs certificates that the server trusts.
#![allow(clippy::expect_used, reason = "a tool of the tests")]

use std::{env, fs, path::Path};

use cas_layer_tests::tls::Authority;

fn main() {
    let mut arguments = env::args().skip(1);
    let (Some(certificate), Some(key), None) =
        (arguments.next(), arguments.next(), arguments.next())
    else {
        panic!("usage: authority CERTIFICATE KEY");
    };
    let authority = Authority::new();
    authority.publish(Path::new(&certificate));
    fs::write(key, authority.key()).expect("a file that can be written");
}
