//! The instances of a peer: always the same ones, or listed anew when some have come or gone.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicU64, Ordering::SeqCst},
};

use crate::lane::Instance;

type List = Arc<[Arc<Instance>]>;

/// Lists the instances as they are now, made from those before: one that stays is the same.
type Lists = Arc<dyn Fn(&[Arc<Instance>]) -> Vec<Arc<Instance>> + Send + Sync>;

/// See the module. Shared by all threads.
pub(super) struct Instances {
    /// Written by whoever finds it outdated; locked for a moment at a time.
    listed: Mutex<Listed>,
    following: Option<Following>,
}

/// The instances as they were at one version of where they are.
struct Listed {
    version: u64,
    instances: List,
}

/// What tells where the instances of a peer are that come and go.
#[derive(Clone)]
pub struct Following {
    /// Moved after each change; what was listed at another version is listed anew.
    pub version: Arc<AtomicU64>,
    pub list: Lists,
}

impl Instances {
    pub(super) fn fixed(instances: Vec<Arc<Instance>>) -> Instances {
        let listed = Listed { version: 0, instances: instances.into() };
        Instances { listed: Mutex::new(listed), following: None }
    }

    pub(super) fn following(following: Following) -> Instances {
        let listed = Mutex::new(following.listed(&[]));
        Instances { listed, following: Some(following) }
    }

    /// As they are now.
    pub(super) fn now(&self) -> List {
        let mut listed = self.listed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(following) = &self.following
            && following.version.load(SeqCst) != listed.version
        {
            *listed = following.listed(&listed.instances);
        }
        listed.instances.clone()
    }
}

impl Following {
    fn listed(&self, earlier: &[Arc<Instance>]) -> Listed {
        // First: what changes meanwhile is listed once more.
        let version = self.version.load(SeqCst);
        Listed { version, instances: (self.list)(earlier).into() }
    }
}
