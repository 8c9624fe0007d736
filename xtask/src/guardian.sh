# Keeps one throw-away PostgreSQL cluster for as long as standard input stays open, then removes it.
# Arguments: the folder of PostgreSQL's programs, the port to listen on.
# Says `ready` on standard output when the cluster takes connections; else says what went wrong, and fails.
programs=$1
port=$2

# Only the end of standard input ends us: whoever holds the other end may be stopped or killed at any time.
trap '' HUP INT TERM

folder=$(mktemp -d "${TMPDIR:-/tmp}/sesshu-postgres.XXXXXX" 2>/dev/null) ||
    folder=$(mktemp -d /tmp/sesshu-postgres.XXXXXX) || exit 1

remove() {
    "$programs/pg_ctl" stop --pgdata="$folder/data" --mode=immediate --wait >/dev/null 2>&1
    rm -rf "$folder"
}

# C collation and UTF-8 as in production: the order of rows must not hang on the machine's language.
# `fsync` stays on: what the tests say about a durable commit must be true.
{
    "$programs/initdb" --pgdata="$folder/data" --username=postgres --auth=trust \
        --encoding=UTF8 --locale=C >"$folder/log" 2>&1 </dev/null &&
        cat >>"$folder/data/postgresql.conf" <<SETTINGS &&
listen_addresses = '127.0.0.1'
port = $port
unix_socket_directories = ''
# Many tests at a time, each with its own pools.
max_connections = 300
SETTINGS
        "$programs/pg_ctl" start --pgdata="$folder/data" --log="$folder/log" --wait --timeout=60 \
            >/dev/null 2>&1 </dev/null
} || {
    cat "$folder/log"
    remove
    exit 1
}

echo ready
exec 1>&-
cat >/dev/null
remove
