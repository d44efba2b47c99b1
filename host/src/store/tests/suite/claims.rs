//! Claims: what every engine does with them.

use uuid::Uuid;

use super::join;
use crate::store::{Change, Refused, Repository};

fn claim(name: &str, holder: Uuid) -> Change {
    Change::Claim { name: name.to_owned(), holder }
}

fn unclaim(name: &str, holder: Uuid) -> Change {
    Change::Unclaim { name: name.to_owned(), holder }
}

async fn holder(repository: &dyn Repository, name: &str) -> Option<Uuid> {
    repository.find_claim(name).await.unwrap().map(|claim| claim.holder)
}

pub(crate) async fn a_name_has_one_holder_at_a_time(repository: &dyn Repository) {
    let (mine, theirs) = (Uuid::new_v4(), Uuid::new_v4());
    repository.transact(vec![claim("object:a", mine)]).await.unwrap();
    let kept = repository.find_claim("object:a").await.unwrap().unwrap();
    assert_eq!((kept.name.as_str(), kept.holder), ("object:a", mine));
    assert!(kept.since_us > 0);

    // Its holder may claim it again: it has it since then still.
    repository.transact(vec![claim("object:a", mine)]).await.unwrap();
    assert_eq!(repository.find_claim("object:a").await.unwrap(), Some(kept.clone()));

    let refused = repository.transact(vec![claim("object:a", theirs)]).await;
    assert_eq!(
        refused.as_ref().unwrap_err().to_string(),
        format!("object:a is held by {mine} since {} µs", kept.since_us)
    );
    assert!(matches!(refused, Err(Refused::Claimed { .. })), "{refused:?}");
    repository.transact(vec![claim("object:b", theirs)]).await.unwrap();
}

pub(crate) async fn a_name_is_given_back_by_its_holder_only(repository: &dyn Repository) {
    let (mine, theirs) = (Uuid::new_v4(), Uuid::new_v4());
    repository.transact(vec![claim("a", mine), unclaim("a", theirs)]).await.unwrap();
    assert_eq!(holder(repository, "a").await, Some(mine));
    repository.transact(vec![unclaim("a", mine), unclaim("a", mine)]).await.unwrap();
    assert_eq!(holder(repository, "a").await, None);
    repository.transact(vec![claim("a", theirs)]).await.unwrap();
    assert_eq!(holder(repository, "a").await, Some(theirs));
}

pub(crate) async fn claims_are_listed_by_name(repository: &dyn Repository) {
    let mine = Uuid::new_v4();
    let changes = ["token:1", "back-end:x", "object:b", "object:a"].map(|name| claim(name, mine));
    repository.transact(changes.into()).await.unwrap();
    let listed = repository.list_claims().await.unwrap();
    let names: Vec<_> = listed.iter().map(|claim| claim.name.as_str()).collect();
    assert_eq!(names, ["back-end:x", "object:a", "object:b", "token:1"]);
    assert!(listed.iter().all(|claim| claim.holder == mine));
}

pub(crate) async fn of_many_claims_at_once_one_wins(repository: &dyn Repository) {
    for round in 0..20 {
        let name = format!("object:{round}");
        let holders: Vec<_> = (0..8).map(|_| Uuid::new_v4()).collect();
        let claims = holders.iter().map(|holder| repository.transact(vec![claim(&name, *holder)]));
        let outcomes = join(claims.collect()).await;
        let winner = self::holder(repository, &name).await;
        for (holder, outcome) in holders.iter().zip(outcomes) {
            match outcome {
                Ok(()) => assert_eq!(winner, Some(*holder)),
                Err(Refused::Claimed { holder, .. }) => assert_eq!(winner, Some(holder)),
                other => panic!("{other:?}"),
            }
        }
    }
}
