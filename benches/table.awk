# Medians of the rounds as tables, one for each case, with ratios to nginx and to Busbar.
#
#   awk -v clock=100 -f table.awk cases.txt results
#
# A result: case peer requests seconds p50_ms p99_ms failed ticks peak_kib.

function median(list, count, values, i, j, kept) {
    count = split(list, values, " ")
    for (i = 2; i <= count; i++) {
        kept = values[i] + 0
        for (j = i - 1; j > 0 && values[j] + 0 > kept; j--) values[j + 1] = values[j]
        values[j + 1] = kept
    }
    return count % 2 ? values[(count + 1) / 2] : (values[count / 2] + values[count / 2 + 1]) / 2
}

# A figure and, in brackets, how many times nginx's and Busbar's it is.
function cell(name, peer, figure, form, own, text) {
    own = median(figures[name, peer, figure])
    text = sprintf(form, own)
    return text " (" ratio(own, name, "nginx", figure) ", " ratio(own, name, "busbar", figure) ")"
}

function ratio(own, name, peer, figure, other) {
    if (!((name, peer, figure) in figures)) return "–"
    other = median(figures[name, peer, figure])
    return other > 0 ? sprintf("%.2f", own / other) : "–"
}

function add(name, peer, figure, value) {
    figures[name, peer, figure] = figures[name, peer, figure] " " value
}

FNR == NR {
    if (/^[a-z]/) { order[++cases] = $1; titles[$1] = title() }
    next
}

function title(words, i) {
    for (i = 7; i <= NF; i++) words = words (i > 7 ? " " : "") $i
    return words
}

{
    if (!(($1, $2) in seen)) { seen[$1, $2] = 1; peers[$1] = peers[$1] " " $2 }
    add($1, $2, "rate", $3 / $4)
    add($1, $2, "p50", $5)
    add($1, $2, "p99", $6)
    failed[$1, $2] += $7
    add($1, $2, "cpu", $3 > 0 ? $8 / clock * 1e6 / $3 : 0)
    add($1, $2, "peak", $9 / 1024)
}

END {
    for (i = 1; i <= cases; i++) {
        name = order[i]
        if (!(name in peers)) continue
        printf "### %s\n\n", titles[name] ? titles[name] : name
        print "| | requests/s | p50 ms | p99 ms | CPU µs/request | peak MB | failed |"
        print "|---|---|---|---|---|---|---|"
        count = split(peers[name], list, " ")
        for (j = 1; j <= count; j++) {
            peer = list[j]
            printf "| %s | %s | %s | %s | %s | %s | %d |\n", peer,
                cell(name, peer, "rate", "%.0f"), cell(name, peer, "p50", "%.2f"),
                cell(name, peer, "p99", "%.2f"), cell(name, peer, "cpu", "%.1f"),
                cell(name, peer, "peak", "%.0f"), failed[name, peer]
        }
        print ""
    }
}
