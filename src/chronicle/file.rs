//! The chronicle of one service: the lines that count, and its file.

use std::collections::VecDeque;
use std::fs::{self, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use busbar_actors::{EXITS_MAX, PastExit};

use crate::types::Clock;

use super::line::Line;

/// The file is written anew, with what counts of it, when it has so many lines.
const LINES_MAX: usize = 10 * EXITS_MAX;
/// What is read of a file, from its end: more than that many lines.
const BYTES_MAX: u64 = 1 << 20;

pub(super) struct File {
    path: PathBuf,
    /// The last ends.
    ends: VecDeque<Line>,
    /// The newest incarnation that has come up and not ended.
    up: Option<Line>,
    /// Lines in the file.
    lines: usize,
    /// The last write failed, perhaps half way.
    is_broken: bool,
}

impl File {
    /// What was written down before, with the end of what was lost, and a file to go on with.
    pub(super) fn open(folder: &Path, name: &str) -> (File, Vec<PastExit>) {
        let path = folder.join(format!("{name}.jsonl"));
        let text = read_end(&path).unwrap_or_else(|error| {
            if error.kind() != io::ErrorKind::NotFound {
                log::warn!("{}: the ends before are not known: {error}", path.display());
            }
            String::new()
        });
        let mut file = File { path, ends: VecDeque::new(), up: None, lines: 0, is_broken: false };
        // A line that was cut by a crash, or by where reading began, is none.
        for line in text.lines().filter_map(|line| serde_json::from_str(line).ok()) {
            file.take(line);
        }
        if let Some(Line::Up { up, .. }) = file.up.take() {
            file.take(Line::lost(up, Clock::system().now()));
        }
        if !text.is_empty() {
            file.rewrite();
        }
        let exits = file.ends.iter().filter_map(Line::exit).collect();
        (file, exits)
    }

    pub(super) fn append(&mut self, line: Line) {
        self.take(line.clone());
        if self.is_broken || self.lines >= LINES_MAX {
            return self.rewrite();
        }
        self.lines += 1;
        let written = self.write_line(&line);
        self.told(written);
    }

    fn take(&mut self, line: Line) {
        match &line {
            Line::Up { .. } => self.up = Some(line),
            Line::Ended { generation, .. } => {
                let is_it = |up: &Line| matches!(up, Line::Up { up, .. } if up == generation);
                self.up = self.up.take().filter(|up| !is_it(up));
                self.ends.push_back(line);
                while self.ends.len() > EXITS_MAX {
                    self.ends.pop_front();
                }
            }
        }
    }

    fn write_line(&self, line: &Line) -> io::Result<()> {
        if let Some(folder) = self.path.parent() {
            fs::create_dir_all(folder)?;
        }
        let mut text = serde_json::to_string(line)?;
        text.push('\n');
        OpenOptions::new().append(true).create(true).open(&self.path)?.write_all(text.as_bytes())
    }

    /// The whole in a file of its own, then under the name: it is never half there.
    fn rewrite(&mut self) {
        let lines: Vec<&Line> = self.ends.iter().chain(&self.up).collect();
        let count = lines.len();
        let written = write_all(&self.path, &lines);
        self.lines = count;
        self.told(written);
    }

    /// Says once when the disk begins to fail, and when it is over.
    fn told(&mut self, written: io::Result<()>) {
        match &written {
            Err(error) if !self.is_broken => {
                log::warn!("{}: ends are not written down: {error}", self.path.display());
            }
            Ok(()) if self.is_broken => {
                log::info!("{}: ends are written down again", self.path.display());
            }
            _ => {}
        }
        self.is_broken = written.is_err();
    }
}

fn write_all(path: &Path, lines: &[&Line]) -> io::Result<()> {
    let mut text = String::new();
    for line in lines {
        text.push_str(&serde_json::to_string(line)?);
        text.push('\n');
    }
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let draft = path.with_extension("draft");
    fs::write(&draft, text)?;
    fs::rename(&draft, path)
}

fn read_end(path: &Path) -> io::Result<String> {
    let mut file = fs::File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(BYTES_MAX)))?;
    let mut bytes = Vec::new();
    file.take(BYTES_MAX).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::time::SystemTime;

    use busbar_actors::{Exit, Reason};

    use super::*;

    struct Folder(PathBuf);

    impl Folder {
        fn new() -> Folder {
            let name = format!("busbar-chronicle-{}", uuid::Uuid::new_v4());
            let folder = std::env::temp_dir().join(name);
            fs::create_dir_all(&folder).unwrap();
            Folder(folder)
        }

        fn open(&self) -> (File, Vec<PastExit>) {
            File::open(&self.0, "payments")
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            drop(fs::remove_dir_all(&self.0));
        }
    }

    fn up(generation: u64) -> Line {
        Line::Up { up: generation, at: Clock::system().now() }
    }

    fn ended(generation: u64) -> Line {
        let exit = Exit::error("no luck");
        Line::of(&PastExit { generation, exit, at: SystemTime::UNIX_EPOCH })
    }

    fn told(exits: &[PastExit]) -> Vec<(u64, Reason)> {
        exits.iter().map(|end| (end.generation, end.exit.reason)).collect()
    }

    #[test]
    fn what_has_no_end_was_lost_and_is_so_only_once() {
        let folder = Folder::new();
        let (mut file, exits) = folder.open();
        assert!(exits.is_empty());
        for line in [up(1), ended(1), up(2)] {
            file.append(line);
        }
        for _ in 0..2 {
            let (_, exits) = folder.open();
            assert_eq!(told(&exits), [(1, Reason::Error), (2, Reason::Lost)]);
        }
    }

    #[test]
    fn a_replaced_incarnation_ends_after_the_next_one_has_come_up() {
        let folder = Folder::new();
        let (mut file, _) = folder.open();
        for line in [up(1), up(2), ended(1), ended(2)] {
            file.append(line);
        }
        let (_, exits) = folder.open();
        assert_eq!(told(&exits), [(1, Reason::Error), (2, Reason::Error)]);
    }

    #[test]
    fn a_line_that_was_cut_is_none_and_the_file_stays_short() {
        let folder = Folder::new();
        let (mut file, _) = folder.open();
        for generation in 1..=1_000 {
            file.append(ended(generation));
        }
        let path = folder.0.join("payments.jsonl");
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.lines().count() <= LINES_MAX, "{}", text.lines().count());
        fs::write(&path, &text[..text.len() - 9]).unwrap();
        let (_, exits) = folder.open();
        let generations: Vec<u64> = exits.iter().map(|end| end.generation).collect();
        assert_eq!(generations.len(), EXITS_MAX);
        assert_eq!(generations.last(), Some(&999));
    }

    /// The folder cannot be made, then it can: only the time between is lost.
    #[test]
    fn a_disk_that_fails_costs_nothing_but_lines() {
        let folder = Folder::new();
        let blocked = folder.0.join("exits");
        fs::write(&blocked, "not a folder").unwrap();
        let (mut file, exits) = File::open(&blocked, "payments");
        assert!(exits.is_empty());
        file.append(ended(1));
        assert!(file.is_broken);
        fs::remove_file(&blocked).unwrap();
        file.append(ended(2));
        assert!(!file.is_broken);
        let (_, exits) = File::open(&blocked, "payments");
        assert_eq!(exits.len(), 2, "what was remembered is written, too");
    }
}
