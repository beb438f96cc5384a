//! What the proof calls, as its object file tells it: without optimisation every call is a
//! relocation in the section of the function that calls.

use std::{
    collections::{BTreeSet, HashSet},
    fs,
    path::Path,
};

use anyhow::{Context, Result};
use object::{Object, ObjectSection, ObjectSymbol, RelocationTarget};

use super::function::Function;

/// Those of the core's public functions that the proof reaches with nothing of the core in between.
/// The compiler's own library may be: it is what drops, iterates and formats.
pub(super) fn among(public: &BTreeSet<Function>, object: &Path) -> Result<BTreeSet<Function>> {
    let bytes = fs::read(object)
        .with_context(|| format!("the compiler left no object at {}", object.display()))?;
    let file = object::File::parse(&*bytes)?;
    let (mut reached, mut waiting) = (HashSet::new(), Vec::new());
    for symbol in file.symbols().filter(ObjectSymbol::is_definition) {
        if let Some(section) = symbol.section_index()
            && is_in("keysteward_proof::", &in_rust(symbol.name()?))
            && reached.insert(section)
        {
            waiting.push(section);
        }
    }
    let (mut called, mut met) = (BTreeSet::new(), HashSet::new());
    while let Some(section) = waiting.pop() {
        for (_, relocation) in file.section_by_index(section)?.relocations() {
            let RelocationTarget::Symbol(target) = relocation.target() else {
                continue;
            };
            if !met.insert(target) {
                continue;
            }
            let target = file.symbol_by_index(target)?;
            let name = in_rust(target.name()?);
            let found: Vec<&Function> = Function::parse(&name)
                .map(|function| public.iter().filter(|one| one.is(&function)).collect())
                .unwrap_or_default();
            if !found.is_empty() || is_in("keysteward_core::", &name) {
                called.extend(found.into_iter().cloned());
            } else if let Some(section) = target.section_index()
                && reached.insert(section)
            {
                waiting.push(section);
            }
        }
    }
    Ok(called)
}

fn in_rust(symbol: &str) -> String {
    format!("{:#}", rustc_demangle::demangle(symbol))
}

/// Whether a function, or the type that it is a method of, is in a crate.
fn is_in(root: &str, name: &str) -> bool {
    name.trim_start_matches('<').starts_with(root)
}
