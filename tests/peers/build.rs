//! Compiles the C peers. Their headers come from the Debian packages libfido2-dev and libssl-dev.

fn main() {
    for source in ["c/libfido2.c", "c/openssl.c"] {
        println!("cargo:rerun-if-changed={source}");
    }
    cc::Build::new()
        .files(["c/libfido2.c", "c/openssl.c"])
        .opt_level(3)
        .warnings(true)
        .compile("c_peers");
    println!("cargo:rustc-link-lib=fido2");
    println!("cargo:rustc-link-lib=crypto");
}
