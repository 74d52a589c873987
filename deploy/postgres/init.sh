# One role and one database for each service; none of them can open another's. PostgreSQL's image reads
# this once, when its data directory is made. Each password is the one of the URL by which the service comes.
sql() { psql -v ON_ERROR_STOP=1 --no-psqlrc --quiet --username=postgres --dbname=postgres; }

echo 'REVOKE CONNECT ON DATABASE postgres FROM PUBLIC;' | sql
for service in users payments billing notifications documents utilities analytics webhooks; do
    url="$(cat "/run/secrets/${service}_database_url")"
    password="${url#*://*:}"
    password="${password%%@*}"
    # In a URL everything else would have to be written in another way than PostgreSQL is told here.
    case "$password" in
    "" | *[!A-Za-z0-9._~-]*)
        echo "secrets/${service}_database_url: a password of letters, digits and . _ ~ - was expected" >&2
        exit 1
        ;;
    esac
    sql <<SQL
CREATE ROLE $service LOGIN PASSWORD '$password';
CREATE DATABASE $service OWNER $service;
REVOKE CONNECT, TEMPORARY ON DATABASE $service FROM PUBLIC;
SQL
done
