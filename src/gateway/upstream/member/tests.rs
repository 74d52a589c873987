//! Who is asked, and who is left alone.
#![allow(clippy::unwrap_used)]

use busbar_http::Metrics;
use busbar_http::lane::Limits;

use super::*;
use crate::gateway::meters::Meters;

fn member(news: Option<Arc<News>>) -> Arc<Member> {
    let meters = Meters::register(&Metrics::new("gateway").unwrap()).unwrap();
    let instance = Instance::new("http://127.0.0.1:1".parse().unwrap(), Limits::default());
    let rule = Rule { failures_max: 2, open_min: Duration::from_secs(10) };
    let title = Title { upstream: "test".into(), number: 0 };
    Arc::new(Member::new(title, instance, news, rule, meters.breaker("test", 0)))
}

fn leave(member: &Arc<Member>, wait: Duration) -> Leave {
    member.leave(Instant::now(), Deadline::after(wait), true).map_err(drop).unwrap()
}

#[test]
fn who_left_early_says_nothing_and_who_waited_to_the_end_does() {
    let member = member(None);
    (0..9).for_each(|_| drop(leave(&member, Duration::from_secs(9))));
    assert_eq!(member.wait(Instant::now()), None);
    (0..2).for_each(|_| drop(leave(&member, Duration::ZERO)));
    assert!(member.wait(Instant::now()).is_some());
}

#[test]
fn a_new_incarnation_is_asked_at_once_and_grows_into_its_share() {
    let news = Arc::<News>::default();
    let member = member(Some(news.clone()));
    let long = Duration::from_secs(9);
    (0..2).for_each(|_| leave(&member, long).judge(Verdict::Failed));
    assert!(member.wait(Instant::now()).is_some());
    news.swap_pool();
    assert_eq!(member.wait(Instant::now()), None);
    let probe = leave(&member, long);
    assert!(member.leave(Instant::now(), Deadline::after(long), true).is_err());
    assert_eq!(member.back_for(Instant::now()), None);
    probe.judge(Verdict::Good);
    assert!(member.back_for(Instant::now()).is_some());
}
#[test]
fn under_another_rule_an_instance_stays_what_it_is() {
    let earlier = member(None);
    let long = Duration::from_secs(9);
    let under_way = leave(&earlier, long);
    (0..2).for_each(|_| leave(&earlier, long).judge(Verdict::Failed));
    let renewed = |rule| {
        let made = Arc::try_unwrap(member(None)).map_err(drop).unwrap();
        Arc::new(made.after(&earlier, rule))
    };
    let rule = Rule { failures_max: 9, open_min: Duration::from_secs(10) };
    let later = renewed(rule);
    assert!(later.wait(Instant::now()).is_some(), "it is still left alone");
    under_way.judge(Verdict::Good);
    assert!(later.wait(Instant::now()).is_some(), "what was sent before says nothing");
    let never = renewed(Rule { failures_max: 0, ..rule });
    assert_eq!(never.wait(Instant::now()), None, "it never is any more");
    (0..20).for_each(|_| leave(&never, long).judge(Verdict::Failed));
    assert_eq!(later.wait(Instant::now()), None, "both are one");
}
