//! Parameters: types, maps, pages, and the texts of what is wrong with them.

use crate::api::args::Args;
use crate::api::field::response;
use crate::api::form::Form;
use crate::api::page::Listing;
use crate::api::param::{Inputs, Kind, params};
use crate::api::{ApiError, Date, ErrorCode, Id, Pairs, TzDate, format_timestamp};
use expect_test::{Expect, expect};
use storage_plugin_api::Details;

params! {
    struct Params {
        "name"    name: Option<String>, length = 5   => "a text";
        "flag"    flag: Option<bool>                 => "a flag";
        "int"     int: Option<i32>                   => "a number";
        "long"    long: Option<i64>                  => "a large number";
        "float"   float: Option<f64>                 => "a number with a fraction";
        "id"      id: Option<Id>                     => "an id";
        "ids"     ids: Option<Vec<Id>>               => "ids";
        "list"    list: Option<Vec<String>>          => "texts";
        "date"    date: Option<Date>                 => "a day";
        "tzdate"  tz_date: Option<TzDate>            => "a moment";
        "details" details: Option<Details>           => "details";
        "tags"    tags: Option<Pairs>, since = "4.1" => "tags";
    }
}

params! {
    struct Needed {
        "zoneid" zone_id: Id => "the zone";
    }
}

response! {
    struct Unused {
        "id" id: String => "the id";
    }
}

fn args(query: &str) -> Result<Args, ApiError> {
    Args::of("createX", Form::parse(query, b"")?)
}

fn read<P: Inputs>(query: &str) -> Result<P, ApiError> {
    P::read(&args(query)?)
}

fn show(query: &str) -> String {
    let moment = |moment| format_timestamp(moment);
    match read::<Params>(query) {
        Err(error) => error.to_string(),
        Ok(params) => {
            let shown = [
                params.name.map(|value| format!("name {value:?}")),
                params.flag.map(|value| format!("flag {value}")),
                params.int.map(|value| format!("int {value}")),
                params.long.map(|value| format!("long {value}")),
                params.float.map(|value| format!("float {value}")),
                params.id.map(|value| format!("id {value}")),
                params.ids.map(|value| format!("ids {value:?}")),
                params.list.map(|value| format!("list {value:?}")),
                params.date.map(|value| format!("date {}", moment(value.0))),
                params.tz_date.map(|value| format!("tzdate {}", moment(value.0))),
                params
                    .details
                    .map(|value| format!("details {:?}", value.iter().collect::<Vec<_>>())),
                params.tags.map(|value| format!("tags {:?}", value.0)),
            ];
            shown.into_iter().flatten().collect::<Vec<_>>().join("; ")
        }
    }
}

#[track_caller]
fn check(query: &str, expected: Expect) {
    expected.assert_eq(&show(query));
}

#[test]
fn values_are_read_by_their_type() {
    check(
        "NAME=ab%20c&Flag=TRUE&int=-7&long=99999999999&float=1.5",
        expect![[r#"name "ab c"; flag true; int -7; long 99999999999; float 1.5"#]],
    );
    check("flag=yes", expect!["flag false"]);
    check("flag=False", expect!["flag false"]);
    check("int=&float=%20", expect![""]);
    check("list=a,b,,c", expect![[r#"list ["a", "b", "c"]"#]]);
    check("date=2026-11-24", expect!["date 2026-11-24T00:00:00+0000"]);
    check("tzdate=2026-11-24T01:00:00%2B01:00", expect!["tzdate 2026-11-24T00:00:00+0000"]);
    check("name=", expect![[r#"name """#]]);
    check("name=a%0D%0Ab", expect![[r#"name "a\r\nb""#]]);
    check("unknown=1&other[0].x=2", expect![""]);
}

#[test]
fn ids_are_uuids_numbers_or_minus_one() {
    check(
        "id=6F1B7A44-0C2E-4D8E-9B1F-2A3C4D5E6F70",
        expect!["id 6f1b7a44-0c2e-4d8e-9b1f-2a3c4d5e6f70"],
    );
    check("id=17", expect!["id 17"]);
    check("id=-1", expect!["id -1"]);
    check("ids=1,%202", expect!["ids [Number(1), Number(2)]"]);
    check(
        "id=invalid%20id",
        expect![
            "Invalid parameter id value=invalid id due to incorrect long value format, or entity does not exist or due to incorrect parameter annotation for the field in api cmd class. (431)"
        ],
    );
    check(
        "ids=1,6f1b7a440c2e4d8e9b1f2a3c4d5e6f70",
        expect![
            "Invalid parameter ids value=6f1b7a440c2e4d8e9b1f2a3c4d5e6f70 due to incorrect long value format, or entity does not exist or due to incorrect parameter annotation for the field in api cmd class. (431)"
        ],
    );
}

#[test]
fn bad_values_are_told_without_the_value() {
    check(
        "int=secret",
        expect![
            "Unable to execute API command createx due to invalid value for parameter int: it is not a whole number (431)"
        ],
    );
    check(
        "long=",
        expect![
            "Unable to execute API command createx due to invalid value for parameter long: it is not a whole number (431)"
        ],
    );
    check(
        "float=NaN",
        expect![
            "Unable to execute API command createx due to invalid value for parameter float: it is not a number (431)"
        ],
    );
    check(
        "date=24.11.2026",
        expect![
            "Unable to execute API command createx due to invalid value for parameter date: it is not a date such as 2026-11-24 or 2026-11-24 07:30:00 (431)"
        ],
    );
    check("name=secret", expect!["Value greater than max allowed length 5 for param: name (431)"]);
    check(
        "name=a%1Bb",
        expect![
            "Received value for parameter name is invalid, contains illegal ASCII non-printable characters (431)"
        ],
    );
    check(
        "unknown=%7F",
        expect![
            "Received value for parameter unknown is invalid, contains illegal ASCII non-printable characters (431)"
        ],
    );
}

#[test]
fn missing_parameter_is_told_in_the_words_that_tests_look_for() {
    let told = |query| read::<Needed>(query).err().unwrap().to_string();
    let missing = "Unable to execute API command createx due to missing parameter zoneid (431)";
    assert_eq!(told(""), missing);
    assert_eq!(told("zoneid="), missing);
    assert_eq!(read::<Needed>("ZoneId=1").unwrap().zone_id, Id::Number(1));
}

#[test]
fn details_are_read_in_both_dialects() {
    let expected = r#"details [("Access.Key", "a"), ("b", "2")]"#;
    for query in [
        "details[0].key=Access.Key&details[0].value=a&details[1].key=b&details[1].value=2",
        "details[0].Access.Key=a&details[0].b=2",
        "Details[0].Access.Key=a&details[1].b=2",
        "details%5B0%5D.Access.Key=a&details[7].key=b&details[7].value=2",
    ] {
        assert_eq!(show(query), expected, "{query}");
    }
    check("details[0].key=a", expect![[r#"details [("a", "")]"#]]);
    check(
        "details[0].key=a&details[0].value=b&details[0].more=c",
        expect![[r#"details [("key", "a"), ("more", "c"), ("value", "b")]"#]],
    );
    check("details=", expect![""]);
    check(
        "tags[1].key=b&tags[0].key=a&tags[0].value=1",
        expect![[r#"tags [("a", Some("1")), ("b", None)]"#]],
    );
}

#[test]
fn malformed_maps_are_refused() {
    for name in [
        "details[0]",
        "details[0]x",
        "details[0].",
        "details[].x",
        "details[x].y",
        "[0].x",
        "details[0][1].x",
        "details]0[.x",
        "details[0.x",
        "details[99999999999].x",
    ] {
        let error = args(&format!("{name}=1")).err().unwrap();
        assert_eq!(error.code(), ErrorCode::MalformedParameter, "{name}");
        assert!(error.to_string().contains("userGroupList[0].group=httpGroup"), "{error}");
    }
    check(
        "details=x",
        expect!["Unable to decode parameter details; please use details[index].field=XXX (430)"],
    );
    check(
        "tags[0].color=red",
        expect![
            "Unable to decode parameter tags[0]; please use tags[0].key=XXX and tags[0].value=XXX (430)"
        ],
    );
}

#[test]
fn name_in_two_letter_cases_is_refused() {
    let error = args("name=a&Name=b").err().unwrap();
    assert_eq!(error.code(), ErrorCode::MalformedParameter);
    // Keys of details are not names.
    check("details[0].a=1&details[0].A=2", expect![[r#"details [("A", "2"), ("a", "1")]"#]]);
}

#[track_caller]
fn check_page(query: &str, expected: Expect) {
    let all: Vec<u32> = (1..=1200).collect();
    let shown = match read::<Listing<()>>(query) {
        Err(error) => error.to_string(),
        Ok(list) => match list.page.of_all(&all) {
            [] => "none".to_owned(),
            [first, .., last] => format!("{first} to {last}"),
            [one] => one.to_string(),
        },
    };
    expected.assert_eq(&shown);
}

#[test]
fn pages_need_both_numbers() {
    check_page("", expect!["1 to 500"]);
    check_page("pagesize=-1", expect!["1 to 1200"]);
    check_page("page=3&pagesize=500", expect!["1001 to 1200"]);
    check_page("page=4&pagesize=500", expect!["none"]);
    check_page("page=2147483647&pagesize=500", expect!["none"]);
    check_page("page=1200&pagesize=1", expect!["1200"]);
    check_page(
        "page=1",
        expect![[r#""pagesize" parameter is required when "page" is specified (431)"#]],
    );
    check_page(
        "pagesize=10",
        expect![[r#""page" parameter is required when "pagesize" is specified (431)"#]],
    );
    check_page(
        "page=1&pagesize=-1",
        expect![
            "Invalid value for parameter page: pagesize -1 shows all entries, there are no pages (431)"
        ],
    );
    check_page(
        "page=0&pagesize=10",
        expect!["Invalid value for parameter page: it must be at least 1 (431)"],
    );
    check_page(
        "page=1&pagesize=0",
        expect!["Invalid value for parameter pagesize: it must be at least 1 (431)"],
    );
    check_page(
        "page=1&pagesize=501",
        expect!["Page size can not exceed max allowed page size value: 500 (431)"],
    );
}

#[test]
fn declarations_document_themselves() {
    let find = |name| Params::OWN.iter().find(|param| param.name == name).unwrap();
    assert_eq!((find("name").length, find("name").required), (5, false));
    assert_eq!((find("tags").since, find("tags").kind), (Some("4.1"), Kind::Map));
    assert!(Needed::OWN[0].required && Needed::OWN[0].length == 255);
    let groups = <Listing<Needed> as Inputs>::PARAMS;
    let names: Vec<&str> = groups.iter().copied().flatten().map(|param| param.name).collect();
    assert_eq!(names, ["zoneid", "keyword", "page", "pagesize"]);
    let object = Unused { id: "a".to_owned() };
    assert_eq!(serde_json::to_string(&object).unwrap(), r#"{"id":"a"}"#);
}
