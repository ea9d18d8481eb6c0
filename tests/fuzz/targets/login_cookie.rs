//! What is behind the seal of a login cookie.

#![no_main]

use cas_layer::fuzzing;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| fuzzing::login_cookie(data));
