//! Hands the linker the memory of the board and the script of `cortex-m-rt`.

fn main() {
    let here = std::env::var("CARGO_MANIFEST_DIR").expect("cargo tells where the package is");
    println!("cargo:rustc-link-search={here}");
    println!("cargo:rustc-link-arg-bins=-Tlink.x");
    println!("cargo:rustc-link-arg-bins=--gc-sections");
    // The vector table lies at address 0, where no page is aligned otherwise.
    println!("cargo:rustc-link-arg-bins=--nmagic");
    println!("cargo:rerun-if-changed=memory.x");
    println!("cargo:rerun-if-changed=build.rs");
}
