-- One role and one database for each service; none of them can open another's. Runs once, when
-- PostgreSQL makes its data directory. The passwords come from the environment of the container.
REVOKE CONNECT ON DATABASE postgres FROM PUBLIC;

\getenv users USERS_DB_PASSWORD
CREATE ROLE users LOGIN PASSWORD :'users';
CREATE DATABASE users OWNER users;
REVOKE CONNECT, TEMPORARY ON DATABASE users FROM PUBLIC;

\getenv payments PAYMENTS_DB_PASSWORD
CREATE ROLE payments LOGIN PASSWORD :'payments';
CREATE DATABASE payments OWNER payments;
REVOKE CONNECT, TEMPORARY ON DATABASE payments FROM PUBLIC;

\getenv billing BILLING_DB_PASSWORD
CREATE ROLE billing LOGIN PASSWORD :'billing';
CREATE DATABASE billing OWNER billing;
REVOKE CONNECT, TEMPORARY ON DATABASE billing FROM PUBLIC;

\getenv notifications NOTIFICATIONS_DB_PASSWORD
CREATE ROLE notifications LOGIN PASSWORD :'notifications';
CREATE DATABASE notifications OWNER notifications;
REVOKE CONNECT, TEMPORARY ON DATABASE notifications FROM PUBLIC;

\getenv documents DOCUMENTS_DB_PASSWORD
CREATE ROLE documents LOGIN PASSWORD :'documents';
CREATE DATABASE documents OWNER documents;
REVOKE CONNECT, TEMPORARY ON DATABASE documents FROM PUBLIC;

\getenv utilities UTILITIES_DB_PASSWORD
CREATE ROLE utilities LOGIN PASSWORD :'utilities';
CREATE DATABASE utilities OWNER utilities;
REVOKE CONNECT, TEMPORARY ON DATABASE utilities FROM PUBLIC;

\getenv analytics ANALYTICS_DB_PASSWORD
CREATE ROLE analytics LOGIN PASSWORD :'analytics';
CREATE DATABASE analytics OWNER analytics;
REVOKE CONNECT, TEMPORARY ON DATABASE analytics FROM PUBLIC;

\getenv webhooks WEBHOOKS_DB_PASSWORD
CREATE ROLE webhooks LOGIN PASSWORD :'webhooks';
CREATE DATABASE webhooks OWNER webhooks;
REVOKE CONNECT, TEMPORARY ON DATABASE webhooks FROM PUBLIC;
