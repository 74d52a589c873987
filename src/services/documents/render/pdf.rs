//! Marks become a file: PDF/A-2b, with the letters that are used of each font.
use krilla::Document;
use krilla::SerializeSettings;
use krilla::color::rgb;
use krilla::configure::ConfigurationBuilder;
use krilla::configure::validate::Archival;
use krilla::geom::{PathBuilder, Point, Rect};
use krilla::metadata::{DateTime, Metadata};
use krilla::page::PageSettings;
use krilla::paint::Fill;
use krilla::surface::Surface;
use krilla::text::{Font, TextDirection};

use crate::types::Date;

use super::RenderError;
use super::letters::Weight;
use super::sheet::{Ink, Mark, PAGE_HEIGHT, PAGE_WIDTH, Sheet};

/// What is told of a paper beside its pages.
pub(super) struct About {
    pub(super) title: String,
    pub(super) author: String,
    /// The same for the same paper.
    pub(super) id: String,
    /// Of the paper, not of its making.
    pub(super) date: Date,
}

struct Fonts {
    regular: Font,
    bold: Font,
}

pub(super) fn write(sheet: &Sheet, about: &About) -> Result<Vec<u8>, RenderError> {
    let configuration = ConfigurationBuilder::new().with_archival_validator(Archival::A2_B);
    let configuration = configuration.finish().map_err(|error| failed(&error))?;
    let settings = SerializeSettings { configuration, ..SerializeSettings::default() };
    let fonts = Fonts { regular: font(Weight::Regular)?, bold: font(Weight::Bold)? };
    let mut document = Document::new_with(settings);
    for marks in &sheet.pages {
        let size = PageSettings::from_wh(PAGE_WIDTH, PAGE_HEIGHT);
        let mut page = document.start_page_with(size.ok_or_else(|| failed(&"no page"))?);
        let mut surface = page.surface();
        marks.iter().for_each(|mark| draw(&mut surface, &fonts, mark));
        surface.finish();
        page.finish();
    }
    document.set_metadata(metadata(about));
    document.finish().map_err(|error| failed(&error))
}

fn metadata(about: &About) -> Metadata {
    let year = u16::try_from(about.date.year()).unwrap_or_default();
    let date = DateTime::new(year).month(about.date.month()).day(about.date.day());
    let date = date.hour(0).minute(0).second(0).utc_offset_hour(0).utc_offset_minute(0);
    Metadata::new()
        .title(about.title.clone())
        .authors(vec![about.author.clone()])
        .creator("Busbar".to_owned())
        .language("en".to_owned())
        .creation_date(date)
        .document_id(about.id.clone())
}

fn font(weight: Weight) -> Result<Font, RenderError> {
    Font::new(weight.bytes().into(), 0).ok_or_else(|| failed(&"a font that cannot be read"))
}

fn draw(surface: &mut Surface<'_>, fonts: &Fonts, mark: &Mark) {
    match mark {
        Mark::Area { x, y, width, height, ink } => {
            let Some(area) = Rect::from_xywh(*x, *y, *width, *height) else { return };
            let mut path = PathBuilder::new();
            path.push_rect(area);
            if let Some(path) = path.finish() {
                surface.set_fill(Some(fill(*ink)));
                surface.draw_path(&path);
            }
        }
        Mark::Text { x, y, style, text } => {
            let font = match style.weight {
                Weight::Regular => &fonts.regular,
                Weight::Bold => &fonts.bold,
            };
            surface.set_fill(Some(fill(style.ink)));
            let start = Point::from_xy(*x, *y);
            surface.draw_text(start, font.clone(), style.size, text, false, TextDirection::Auto);
        }
    }
}

fn fill(Ink(red, green, blue): Ink) -> Fill {
    Fill { paint: rgb::Color::new(red, green, blue).into(), ..Fill::default() }
}

fn failed(error: &dyn std::fmt::Debug) -> RenderError {
    RenderError::new(format!("{error:?}"))
}
