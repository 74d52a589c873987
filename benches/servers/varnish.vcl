# Two thread pools, a cache in memory; what is not to be kept passes through.
vcl 4.1;
backend upstream {
    .host = "127.0.0.1";
    .port = "@UPSTREAM@";
}
sub vcl_recv {
    if (req.url ~ "^/kept/") {
        return (hash);
    }
    return (pass);
}
