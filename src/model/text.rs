//! Texts of bounded length.

use std::sync::Arc;

/// At most `most` bytes of `text`, cut at a character's edge.
pub fn cut(mut text: String, most: usize) -> Arc<str> {
    if text.len() > most {
        let edge = (0..=most).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
        text.truncate(edge);
    }
    text.into()
}
