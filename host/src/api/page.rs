//! What all lists take: a keyword, and a page of the matches.
//!
//! **Invariant:** `page` and `pagesize` come together. Without them a list shows the first
//! [`MAX_PAGE_SIZE`] matches, with `pagesize=-1` all of them; its count is of all matches always.

use super::args::Args;
use super::call::Call;
use super::error::ApiError;
use super::objects::{Names, Shown};
use super::param::{DEFAULT_LENGTH, Inputs, Kind, Param, ParamType};
use super::reply::Reply;
use crate::model::Stored;
use serde::Serialize;

/// The largest page, and the size of the first page where none is asked for: CloudStack's default
/// of `default.page.size`, which cs and Ansible count on.
pub(crate) const MAX_PAGE_SIZE: usize = 500;

const fn param(name: &'static str, kind: Kind, description: &'static str) -> Param {
    Param { name, kind, required: false, description, length: DEFAULT_LENGTH, since: None }
}

const KEYWORD: Param =
    param("keyword", Kind::String, "List by keyword: a part of the name, in any letter case");
const PAGE: Param = param("page", Kind::Integer, "The page to show, from 1; needs pagesize");
const PAGE_SIZE: Param = param(
    "pagesize",
    Kind::Integer,
    "How many entries a page has, at most 500; -1 for all, without page",
);

/// A page of the matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Page {
    /// How many matches come before it.
    pub(crate) offset: usize,
    /// How many matches it has at most; `None` for all.
    pub(crate) limit: Option<usize>,
}

impl Page {
    fn read(args: &Args) -> Result<Self, ApiError> {
        let number = Option::<i32>::read(args, &PAGE)?;
        let size = Option::<i32>::read(args, &PAGE_SIZE)?;
        match (number, size) {
            (None, None) => Ok(Self { offset: 0, limit: Some(MAX_PAGE_SIZE) }),
            (None, Some(-1)) => Ok(Self { offset: 0, limit: None }),
            (None, Some(_)) => Err(ApiError::parameter(
                "\"page\" parameter is required when \"pagesize\" is specified",
            )),
            (Some(_), None) => Err(ApiError::parameter(
                "\"pagesize\" parameter is required when \"page\" is specified",
            )),
            (Some(_), Some(-1)) => Err(ApiError::invalid_parameter(
                "Invalid value for parameter page: pagesize -1 shows all entries, there are no \
                 pages",
            )),
            (Some(number), Some(size)) => Self::of(number, size),
        }
    }

    fn of(number: i32, size: i32) -> Result<Self, ApiError> {
        let at_least_one = |name: &str, value: i32| match usize::try_from(value) {
            Ok(value) if value > 0 => Ok(value),
            _ => Err(ApiError::invalid_parameter(format!(
                "Invalid value for parameter {name}: it must be at least 1"
            ))),
        };
        let number = at_least_one("page", number)?;
        let size = at_least_one("pagesize", size)?;
        if size > MAX_PAGE_SIZE {
            return Err(ApiError::invalid_parameter(format!(
                "Page size can not exceed max allowed page size value: {MAX_PAGE_SIZE}"
            )));
        }
        Ok(Self { offset: (number - 1).saturating_mul(size), limit: Some(size) })
    }

    /// The entries of all matches that are on the page.
    pub(crate) fn of_all<T>(self, matches: &[T]) -> &[T] {
        let rest = matches.get(self.offset..).unwrap_or_default();
        rest.get(..self.limit.unwrap_or(rest.len())).unwrap_or(rest)
    }
}

/// The inputs of a list: those of the command, a keyword and a page.
pub(crate) struct Listing<P> {
    /// The command's own.
    pub(crate) own: P,
    /// A part of the name that entries must have.
    pub(crate) keyword: Option<String>,
    /// What to show of the matches.
    pub(crate) page: Page,
}

impl<P> Listing<P> {
    /// Whether a name has the keyword in it.
    pub(crate) fn matches(&self, name: &str) -> bool {
        self.keyword
            .as_ref()
            .is_none_or(|keyword| name.to_lowercase().contains(&keyword.to_lowercase()))
    }

    /// The answer, where all matches are at hand.
    pub(crate) fn reply<T: Serialize>(&self, key: &str, matches: &[T]) -> Result<Reply, ApiError> {
        Reply::list(key, matches.len(), self.page.of_all(matches))
    }
}

impl<P> Listing<P> {
    /// The answer of a list of records, as they are shown: only the page is.
    pub(crate) async fn reply_shown<T: Shown>(
        &self,
        call: &Call,
        matches: &[Stored<T>],
    ) -> Result<Reply, ApiError> {
        let mut names = Names::new(call);
        let mut page = Vec::new();
        for stored in self.page.of_all(matches) {
            page.push(T::show(&mut names, stored).await?);
        }
        Reply::list(T::OBJECT_NAME, matches.len(), &page)
    }
}

impl<P: Inputs> Inputs for Listing<P> {
    const PARAMS: &'static [&'static [Param]] = &[P::PARAMS[0], &[KEYWORD, PAGE, PAGE_SIZE]];

    fn read(args: &Args) -> Result<Self, ApiError> {
        let page = Page::read(args)?;
        Ok(Self { own: P::read(args)?, keyword: ParamType::read(args, &KEYWORD)?, page })
    }
}
