//! One file, several scenarios: the cases of `spec.matrix`.

use cluster_format::{Content, Mistake, YamlNode, suggest::quote};

/// The values of one scenario of a file, by name.
pub(super) struct Case {
    /// What the matrix calls it; none without a matrix.
    pub(super) name: Option<String>,
    pub(super) values: Vec<(String, YamlNode)>,
}

/// The cases of a file, at least one; and what is wrong with how they are called.
pub(super) fn cases(root: &YamlNode) -> (Vec<Case>, Vec<Mistake>) {
    let spec = root.get("spec");
    let values = entries(spec.and_then(|spec| spec.get("values")));
    let matrix = spec.and_then(|spec| spec.get("matrix"));
    let mut mistakes = Vec::new();
    let cases: Vec<Case> = entries(matrix)
        .iter()
        .map(|(name, node)| {
            mistakes.extend(check_name(name, node));
            let mut all = entries(Some(node)).to_vec();
            let others = values.iter().filter(|(value, _)| node.get(value).is_none());
            all.extend(others.cloned());
            Case { name: Some(name.clone()), values: all }
        })
        .collect();
    if !cases.is_empty() {
        return (cases, mistakes);
    }
    if let Some(empty) = matrix.filter(|matrix| matches!(matrix.content, Content::Map(_))) {
        let mistake = Mistake::at(empty.place(), "a matrix without cases");
        mistakes.push(mistake.help("write at least one, or leave \"matrix\" out"));
    }
    (vec![Case { name: None, values: values.to_vec() }], mistakes)
}

/// The mistakes of a file, from those of each of its cases: a mistake of several cases is reported
/// once, with the first case that has it unless all do.
pub(super) fn in_common(cases: &[Case], mistakes: &[Vec<Mistake>]) -> Vec<Mistake> {
    let mut common: Vec<Mistake> = Vec::new();
    for (index, (case, of_case)) in cases.iter().zip(mistakes).enumerate() {
        for mistake in of_case {
            if mistakes[..index].iter().any(|earlier| earlier.contains(mistake)) {
                continue;
            }
            let mut mistake = mistake.clone();
            let everywhere = mistakes.iter().all(|others| others.contains(&mistake));
            if let Some(name) = case.name.as_deref().filter(|_| !everywhere) {
                mistake.message = format!("{}, in the case {}", mistake.message, quote(name));
            }
            common.push(mistake);
        }
    }
    common
}

fn entries(node: Option<&YamlNode>) -> &[(String, YamlNode)] {
    match node {
        Some(YamlNode { content: Content::Map(entries), .. }) => entries,
        _ => &[],
    }
}

/// Names of cases are parts of scenarios' names, and those are parts of files' names.
fn check_name(name: &str, node: &YamlNode) -> Option<Mistake> {
    let good = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    (!good).then(|| {
        Mistake::at(node.key_place(), format!("{} is not a name for a case", quote(name)))
            .help("write letters, digits and dashes")
    })
}
