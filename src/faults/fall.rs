//! Children of a service that are told to fall.

use busbar_actors::Exit;
use futures_util::future::LocalBoxFuture;

use super::Faults;

impl Faults {
    /// What a child's life runs in, so that it can be told to fall.
    pub fn fall(
        &self,
        name: &'static str,
    ) -> impl Fn(LocalBoxFuture<'static, Exit>) -> LocalBoxFuture<'static, Exit> + use<> {
        let faults = self.clone();
        move |life| {
            if !faults.own.is_on {
                return life;
            }
            let faults = faults.clone();
            Box::pin(async move {
                tokio::select! {
                    exit = life => exit,
                    () = faults.is_to_fall(name) => panic!("an injected panic of {name}"),
                }
            })
        }
    }

    async fn is_to_fall(&self, name: &str) {
        let mut falls = self.own.children.subscribe();
        loop {
            // The sender is among what is borrowed here: it cannot be gone.
            drop(falls.wait_for(|falls| falls.get(name).is_some_and(|left| *left > 0)).await);
            // Another incarnation's may have been faster.
            let taken = self.own.children.send_if_modified(|falls| match falls.get_mut(name) {
                Some(left) if *left > 0 => {
                    *left -= 1;
                    true
                }
                _ => false,
            });
            if taken {
                return;
            }
        }
    }
}
