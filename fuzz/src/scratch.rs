//! The folder for files, one for each process, deep enough that a path upwards stays in it.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = std::env::temp_dir().join(format!("lifesign-fuzz-{}", std::process::id())).join("in");
    std::fs::create_dir_all(folder.join("advisory")).expect("a folder for files");
    std::fs::write(folder.join("advisory/.lifesign-advisory"), "")
        .expect("a file that says that claims exclude nobody");
    folder
});

/// Where it is. It holds `claims`, for claims that exclude, and `advisory`, for others.
pub fn folder() -> &'static Path {
    &FOLDER
}

/// Makes it as it was at first.
pub fn clear() {
    let is_kept = |path: &Path| path.ends_with("advisory") || path.ends_with(".lifesign-advisory");
    for folder in [folder(), &folder().join("advisory")] {
        for entry in std::fs::read_dir(folder).expect("the folder is ours").flatten() {
            let path = entry.path();
            if is_kept(&path) {
                continue;
            }
            let _ = std::fs::remove_file(&path).or_else(|_| std::fs::remove_dir_all(&path));
        }
    }
    std::fs::create_dir_all(folder().join("claims")).expect("the folder is ours");
}
