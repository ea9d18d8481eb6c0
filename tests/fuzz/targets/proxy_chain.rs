//! Chains of proxies, compared with a slower reader of patterns.

#![no_main]

use cas_layer::fuzzing;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| fuzzing::proxy_chain(text));
