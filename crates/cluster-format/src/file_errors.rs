//! All mistakes of one file, shown in its text.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet, level::ERROR};

use crate::{location::Location, mistake::Mistake};

/// A file with more mistakes than this is not the file that was meant.
const MOST_SHOWN: usize = 100;

/// Everything that is wrong with one file, in the order of its lines.
#[derive(Clone, Debug)]
pub struct FileErrors {
    path: PathBuf,
    text: String,
    mistakes: Vec<Mistake>,
}

// === impl FileErrors ===

impl FileErrors {
    /// The mistakes of the file at `path`, which has this text.
    pub fn new(path: &Path, text: String, mut mistakes: Vec<Mistake>) -> Self {
        mistakes.sort_by_key(|m| m.location.as_ref().map(|l| (l.line, l.column)));
        Self { path: path.to_owned(), text, mistakes }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The mistakes, at least one.
    pub fn mistakes(&self) -> &[Mistake] {
        &self.mistakes
    }

    /// A report with the lines concerned, in colour or not. It ends without a line break.
    pub fn render(&self, colour: bool) -> String {
        let mut parts: Vec<String> =
            self.mistakes.iter().take(MOST_SHOWN).map(|m| self.render_one(m, colour)).collect();
        let count = self.mistakes.len();
        let path = self.path.display();
        match count.saturating_sub(MOST_SHOWN) {
            0 if count == 1 => {}
            0 => parts.push(format!("{count} mistakes in {path}")),
            hidden => parts.push(format!("{count} mistakes in {path}, {hidden} of them not shown")),
        }
        parts.join("\n\n")
    }

    fn render_one(&self, mistake: &Mistake, colour: bool) -> String {
        let path = self.path.display().to_string();
        let message = mistake.message.as_str();
        let help = mistake.help.as_deref().map(|help| Level::HELP.message(help));
        let Some(location) = &mistake.location else {
            let title = ERROR.primary_title(format!("{path}: {message}"));
            return renderer(colour).render(&[Group::with_title(title).elements(help)]);
        };
        let mut snippet = Snippet::source(&self.text)
            .path(path)
            .annotation(AnnotationKind::Primary.span(location.span.clone()));
        if let Some((other, label)) = &mistake.related {
            snippet = snippet
                .annotation(AnnotationKind::Context.span(other.span.clone()).label(label.as_str()));
        }
        let group = ERROR.primary_title(message).element(snippet).elements(help);
        renderer(colour).render(&[group])
    }
}

/// The lines around a location in a file's text, with `label` beside the underlined part.
pub fn snippet(path: &Path, text: &str, location: &Location, label: &str, colour: bool) -> String {
    let annotation = AnnotationKind::Primary.span(location.span.clone()).label(label);
    let snippet = Snippet::source(text).path(path.display().to_string()).annotation(annotation);
    renderer(colour).render(&[Group::with_level(ERROR).element(snippet)])
}

fn renderer(colour: bool) -> Renderer {
    if colour { Renderer::styled() } else { Renderer::plain() }
}

impl fmt::Display for FileErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl std::error::Error for FileErrors {}
