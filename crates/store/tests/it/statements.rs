//! Every statement of the store must be understood by both engines.
//!
//! The statements are found in the sources, between the brackets of `sql!`.

use sqlx::{Connection, Executor, SqlSafeStr};

fn statements() -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders = vec![std::path::PathBuf::from(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/src"
    ))];
    while let Some(folder) = folders.pop() {
        for file in std::fs::read_dir(folder).unwrap() {
            let path = file.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            let place = path.file_name().unwrap().to_string_lossy().into_owned();
            for after in text.split("sql!(").skip(1) {
                let Some(literal) = after.trim_start().strip_prefix('"') else {
                    continue;
                };
                let end = literal
                    .find("\"\n")
                    .or_else(|| literal.find("\")"))
                    .unwrap();
                found.push((place.clone(), literal[..end].to_owned()));
            }
        }
    }
    found
}

/// A statement that takes many rows, as it is sent for one; any other as it is.
fn sent(sql: &str, spelled: impl Fn(&[&str]) -> String) -> String {
    let Some((before, rest)) = sql.split_once("{rows:") else {
        return sql.to_owned();
    };
    let (types, after) = rest.split_once('}').unwrap();
    let types: Vec<&str> = types.split(',').map(str::trim).collect();
    format!("{before}{}{after}", spelled(&types))
}

fn values(types: &[&str]) -> String {
    format!("VALUES ({})", vec!["?"; types.len()].join(", "))
}

fn arrays(types: &[&str]) -> String {
    let arrays = (1..)
        .zip(types)
        .map(|(number, kind)| format!("CAST(${number} AS {kind}[])"));
    format!(
        "SELECT * FROM UNNEST({})",
        arrays.collect::<Vec<_>>().join(", ")
    )
}

#[test]
fn every_statement_prepares() {
    let all = statements();
    assert!(all.len() > 40, "only {} statements were found", all.len());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("test.db");
        let db = store::Db::open(&store::Location::Sqlite(path.clone()))
            .await
            .unwrap();
        store::migrations::migrate(&db).await.unwrap();
        let url = format!("sqlite:{}", path.display());
        let mut sqlite = sqlx::SqliteConnection::connect(&url).await.unwrap();
        for (place, sql) in &all {
            let text = sqlx::AssertSqlSafe(sent(sql, values)).into_sql_str();
            let done = (&mut sqlite).prepare(text).await.map(drop);
            assert!(done.is_ok(), "SQLite refuses, in {place}:\n{sql}\n{done:?}");
        }
        let Ok(server) = std::env::var("SESSHU_TEST_POSTGRES") else {
            assert!(
                std::env::var("SESSHU_TEST_REQUIRE").is_err(),
                "PostgreSQL is missing"
            );
            return;
        };
        let url = crate::world::empty_postgres(&server).await;
        let db = store::Db::open(&store::Location::Postgres(url.clone()))
            .await
            .unwrap();
        store::migrations::migrate(&db).await.unwrap();
        let mut postgres = sqlx::PgConnection::connect(&url).await.unwrap();
        for (place, sql) in &all {
            let text = sqlx::AssertSqlSafe(sent(sql, arrays)).into_sql_str();
            let done = (&mut postgres).prepare(text).await.map(drop);
            assert!(
                done.is_ok(),
                "PostgreSQL refuses, in {place}:\n{sql}\n{done:?}"
            );
        }
    });
}

/// Without counts of its rows SQLite takes a city for ten of them, and goes through all of its papers where the
/// key of the table begins with the city. What is asked for a person or a batch must not.
#[test]
fn nobodys_papers_are_found_by_going_through_the_citys() {
    // The one paper with the highest number is the first that is met.
    let is_first_met = |sql: &str| sql.contains("ORDER BY number DESC LIMIT 1");
    let about_papers = |sql: &&String| sql.contains("coupon_issue") && !is_first_met(sql);
    let all = statements();
    let about: Vec<_> = all
        .iter()
        .map(|(_, sql)| sql)
        .filter(about_papers)
        .collect();
    assert!(
        about.len() > 8,
        "only {} statements were found",
        about.len()
    );
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("test.db");
        let db = store::Db::open(&store::Location::Sqlite(path.clone()))
            .await
            .unwrap();
        store::migrations::migrate(&db).await.unwrap();
        let url = format!("sqlite:{}", path.display());
        let mut sqlite = sqlx::SqliteConnection::connect(&url).await.unwrap();
        for sql in about {
            let text = format!("EXPLAIN QUERY PLAN {}", sent(sql, values));
            let steps: Vec<(i64, i64, i64, String)> = sqlx::query_as(sqlx::AssertSqlSafe(text))
                .fetch_all(&mut sqlite)
                .await
                .unwrap();
            for (.., step) in steps {
                assert!(!step.ends_with("(municipality=?)"), "{step}, in\n{sql}");
            }
        }
    });
}

/// Words whose meaning differs between the engines, or between today and tomorrow.
#[test]
fn no_statement_speaks_one_engines_dialect() {
    for (place, sql) in statements() {
        let words = sql.to_uppercase();
        for banned in [
            "NOW()",
            "CURRENT_",
            "DATE('",
            "FOR UPDATE",
            "ILIKE",
            "OR REPLACE",
            " LIKE ",
            "::",
        ] {
            assert!(!words.contains(banned), "{banned} in {place}:\n{sql}");
        }
    }
}
