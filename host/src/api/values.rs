//! How the values of parameters are read, type by type.
//!
//! **Invariant:** the texts of the errors never hold the value: it may be a secret that was sent
//! under the wrong name. Ids are the exception, because clients' tests look for them.

use super::args::Args;
use super::error::ApiError;
use super::param::{Kind, Param, ParamType};
use super::timestamp::{parse_day, parse_timestamp};
use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime};
use uuid::Uuid;

impl ParamType for String {
    const KIND: Kind = Kind::String;

    fn read_if_given(args: &Args, param: &Param) -> Result<Option<Self>, ApiError> {
        match args.text(param.name) {
            Some(text) => within(text, param).map(|text| Some(text.to_owned())),
            None => Ok(None),
        }
    }
}

/// A text that is not longer than its parameter may be.
pub(super) fn within<'a>(text: &'a str, param: &Param) -> Result<&'a str, ApiError> {
    if text.chars().count() > param.length {
        return Err(ApiError::invalid_parameter(format!(
            "Value greater than max allowed length {} for param: {}",
            param.length, param.name
        )));
    }
    Ok(text)
}

impl ParamType for bool {
    const KIND: Kind = Kind::Boolean;

    fn read_if_given(args: &Args, param: &Param) -> Result<Option<Self>, ApiError> {
        Ok(args.text(param.name).map(|text| text.eq_ignore_ascii_case("true")))
    }
}

/// A value that has to be written in full where it is given: nothing is read into it, and blank is
/// not as good as missing. For what leads to more being done where it is left away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Explicit<T>(pub T);

impl ParamType for Explicit<bool> {
    const KIND: Kind = Kind::Boolean;

    fn read_if_given(args: &Args, param: &Param) -> Result<Option<Self>, ApiError> {
        let Some(text) = args.text(param.name) else {
            return Ok(None);
        };
        match text.to_ascii_lowercase().as_str() {
            "true" => Ok(Some(Self(true))),
            "false" => Ok(Some(Self(false))),
            _ => Err(bad_value(args, param, "true or false")),
        }
    }
}

impl ParamType for Explicit<Id> {
    const KIND: Kind = Kind::Uuid;

    fn read_if_given(args: &Args, param: &Param) -> Result<Option<Self>, ApiError> {
        args.text(param.name).map(|text| Id::parse(text, param).map(Self)).transpose()
    }
}

impl ParamType for i32 {
    const KIND: Kind = Kind::Integer;

    fn read_if_given(args: &Args, param: &Param) -> Result<Option<Self>, ApiError> {
        number(args, param, not_blank(args.text(param.name)), "a whole number")
    }
}

impl ParamType for i64 {
    const KIND: Kind = Kind::Long;

    fn read_if_given(args: &Args, param: &Param) -> Result<Option<Self>, ApiError> {
        number(args, param, args.text(param.name), "a whole number")
    }
}

impl ParamType for f64 {
    const KIND: Kind = Kind::Float;

    fn read_if_given(args: &Args, param: &Param) -> Result<Option<Self>, ApiError> {
        let value: Option<Self> =
            number(args, param, not_blank(args.text(param.name)), "a number")?;
        match value {
            Some(value) if !value.is_finite() => Err(bad_value(args, param, "a number")),
            value => Ok(value),
        }
    }
}

fn not_blank(text: Option<&str>) -> Option<&str> {
    text.filter(|text| !text.trim().is_empty())
}

fn number<T: FromStr>(
    args: &Args,
    param: &Param,
    text: Option<&str>,
    expected: &str,
) -> Result<Option<T>, ApiError> {
    text.map(|text| text.parse().map_err(|_| bad_value(args, param, expected))).transpose()
}

fn bad_value(args: &Args, param: &Param, expected: &str) -> ApiError {
    ApiError::invalid_parameter(format!(
        "Unable to execute API command {} due to invalid value for parameter {}: it is not {}",
        args.command().to_ascii_lowercase(),
        param.name,
        expected
    ))
}

impl ParamType for Vec<String> {
    const KIND: Kind = Kind::List;

    fn read_if_given(args: &Args, param: &Param) -> Result<Option<Self>, ApiError> {
        let Some(text) = args.text(param.name) else {
            return Ok(None);
        };
        text.split(',')
            .filter(|one| !one.is_empty())
            .map(|one| within(one, param).map(str::to_owned))
            .collect::<Result<_, _>>()
            .map(Some)
    }
}

/// The id of an object, as clients give it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Id {
    /// The public id.
    Uuid(Uuid),
    /// The internal number, which some clients know from paths.
    Number(u64),
    /// `-1`: of no object. Lists with it are empty; where an object is needed it is refused.
    None,
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Uuid(uuid) => uuid.fmt(f),
            Self::Number(number) => number.fmt(f),
            Self::None => f.write_str("-1"),
        }
    }
}

impl Id {
    /// Whether an object is among those that `id` and `ids` ask for.
    pub(super) fn is_wanted(
        id: Option<Self>,
        ids: Option<&[Self]>,
        uuid: Uuid,
        number: u64,
    ) -> bool {
        let names = |id: &Self| match id {
            Self::Uuid(wanted) => *wanted == uuid,
            Self::Number(wanted) => *wanted == number,
            Self::None => false,
        };
        id.as_ref().is_none_or(names) && ids.is_none_or(|ids| ids.iter().any(names))
    }

    fn parse(text: &str, param: &Param) -> Result<Self, ApiError> {
        let text = text.trim();
        if text == "-1" {
            return Ok(Self::None);
        }
        // Only the form with hyphens: the others that the parser knows are no id of CloudStack's.
        if let Some(uuid) = Uuid::try_parse(text).ok().filter(|_| text.len() == 36) {
            return Ok(Self::Uuid(uuid));
        }
        text.parse().map(Self::Number).map_err(|_| ApiError::no_such_entity(param.name, text))
    }
}

impl ParamType for Id {
    const KIND: Kind = Kind::Uuid;

    fn read_if_given(args: &Args, param: &Param) -> Result<Option<Self>, ApiError> {
        not_blank(args.text(param.name)).map(|text| Self::parse(text, param)).transpose()
    }
}

impl ParamType for Vec<Id> {
    const KIND: Kind = Kind::List;

    fn read_if_given(args: &Args, param: &Param) -> Result<Option<Self>, ApiError> {
        let Some(text) = args.text(param.name) else {
            return Ok(None);
        };
        text.split(',')
            .filter(|one| !one.trim().is_empty())
            .map(|one| Id::parse(one, param))
            .collect::<Result<_, _>>()
            .map(Some)
    }
}

/// A day, or a moment of the host's time zone, which is UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Date(pub SystemTime);

impl ParamType for Date {
    const KIND: Kind = Kind::Date;

    fn read_if_given(args: &Args, param: &Param) -> Result<Option<Self>, ApiError> {
        let expected = "a date such as 2026-11-24 or 2026-11-24 07:30:00";
        not_blank(args.text(param.name))
            .map(|text| parse_day(text).map(Self).ok_or_else(|| bad_value(args, param, expected)))
            .transpose()
    }
}

/// A day, which means its end, or a moment of the host's time zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastMoment(pub SystemTime);

impl ParamType for LastMoment {
    const KIND: Kind = Kind::Date;

    fn read_if_given(args: &Args, param: &Param) -> Result<Option<Self>, ApiError> {
        const DAY: Duration = Duration::from_hours(24);
        let is_day = args.text(param.name).is_some_and(|text| !text.contains(' '));
        let date = Option::<Date>::read(args, param)?;
        Ok(date.map(|Date(begin)| {
            let end = begin + DAY - Duration::from_micros(1);
            Self(if is_day { end } else { begin })
        }))
    }
}

/// A moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TzDate(pub SystemTime);

impl ParamType for TzDate {
    const KIND: Kind = Kind::TzDate;

    fn read_if_given(args: &Args, param: &Param) -> Result<Option<Self>, ApiError> {
        let expected = "a moment such as 2026-11-24T07:30:00+0000";
        not_blank(args.text(param.name))
            .map(|text| {
                parse_timestamp(text).map(Self).ok_or_else(|| bad_value(args, param, expected))
            })
            .transpose()
    }
}
