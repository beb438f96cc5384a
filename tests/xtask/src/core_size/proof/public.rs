//! What the core offers, as rustdoc tells it: macros are expanded, private parts are left away.

use std::{
    collections::{BTreeSet, HashSet},
    fs,
    path::Path,
};

use anyhow::{Context, Result, ensure};
use rustdoc_types::{
    Attribute, Crate, FORMAT_VERSION, GenericArg, GenericArgs, Id, Impl, Item, ItemEnum, Type,
};

use super::function::{ANY, Function, last};

/// Every function that a caller can name or that is called for them: free ones, methods, and what
/// traits are implemented with.
pub(super) fn functions(json: &Path) -> Result<BTreeSet<Function>> {
    let text =
        fs::read(json).with_context(|| format!("rustdoc left nothing at {}", json.display()))?;
    let head: Head = serde_json::from_slice(&text)?;
    ensure!(
        head.format_version == FORMAT_VERSION,
        "this toolchain's rustdoc writes format {}, and format {FORMAT_VERSION} is read here: take \
         the version of rustdoc-types that reads it",
        head.format_version
    );
    let told = Told(serde_json::from_slice(&text)?);
    let mut functions = BTreeSet::new();
    let mut methods = HashSet::new();
    for item in told.0.index.values() {
        match &item.inner {
            ItemEnum::Impl(block) => {
                methods.extend(block.items.iter().copied());
                if is_written(item, block) {
                    functions.extend(told.implemented(block));
                }
            }
            ItemEnum::Trait(offered) => {
                methods.extend(offered.items.iter().copied());
                functions.extend(told.provided(item, &offered.items));
            }
            _ => {}
        }
    }
    for (id, item) in &told.0.index {
        if matches!(item.inner, ItemEnum::Function(_)) && !methods.contains(id) {
            functions.insert(Function {
                of: None,
                from_trait: None,
                name: told.path(*id).context("a function without a path")?,
            });
        }
    }
    Ok(functions)
}

/// What does not change with the format.
#[derive(serde::Deserialize)]
struct Head {
    format_version: u32,
}

/// Whether a person wrote it. What the compiler derives does the same to each member, and what
/// holds for every type of a kind belongs to whoever wrote the kind.
fn is_written(item: &Item, block: &Impl) -> bool {
    !block.is_synthetic
        && block.blanket_impl.is_none()
        && !item.attrs.contains(&Attribute::AutomaticallyDerived)
}

struct Told(Crate);

impl Told {
    fn implemented(&self, block: &Impl) -> Vec<Function> {
        let from_trait = block.trait_.as_ref().map(|path| {
            let what = path.args.as_deref().and_then(first_type);
            (last(&path.path).to_owned(), what.map(|one| self.head(one)))
        });
        self.named(&block.items)
            .map(|(name, _)| Function {
                of: Some(self.head(&block.for_)),
                from_trait: from_trait.clone(),
                name,
            })
            .collect()
    }

    /// What a trait brings along for whoever implements it.
    fn provided(&self, item: &Item, items: &[Id]) -> Vec<Function> {
        self.named(items)
            .filter(|(_, has_body)| *has_body)
            .map(|(name, _)| Function {
                of: Some(ANY.to_owned()),
                from_trait: item.name.clone().map(|name| (name, None)),
                name,
            })
            .collect()
    }

    fn named<'a>(&'a self, items: &'a [Id]) -> impl Iterator<Item = (String, bool)> + 'a {
        items.iter().filter_map(|id| {
            let item = self.0.index.get(id)?;
            match &item.inner {
                ItemEnum::Function(function) => Some((item.name.clone()?, function.has_body)),
                _ => None,
            }
        })
    }

    fn head(&self, one: &Type) -> String {
        match one {
            Type::ResolvedPath(path) => self
                .path(path.id)
                .unwrap_or_else(|| last(&path.path).to_owned()),
            Type::Primitive(name) => name.clone(),
            Type::BorrowedRef {
                is_mutable, type_, ..
            } => {
                let before = if *is_mutable { "&mut " } else { "&" };
                before.to_owned() + &self.head(type_)
            }
            Type::Slice(_) | Type::Array { .. } => "[]".to_owned(),
            Type::Tuple(_) => "()".to_owned(),
            _ => ANY.to_owned(),
        }
    }

    /// From the core's root; what is others' by its last name.
    fn path(&self, id: Id) -> Option<String> {
        let told = self.0.paths.get(&id)?;
        match (told.crate_id, &*told.path) {
            (0, [_, path @ ..]) => Some(path.join("::")),
            (_, path) => path.last().cloned(),
        }
    }
}

fn first_type(arguments: &GenericArgs) -> Option<&Type> {
    let GenericArgs::AngleBracketed { args, .. } = arguments else {
        return None;
    };
    args.iter().find_map(|argument| match argument {
        GenericArg::Type(one) => Some(one),
        _ => None,
    })
}
