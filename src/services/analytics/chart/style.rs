//! The colours of charts, in light and in dark: each pair of ink and ground is easy to read, and
//! neighbouring series differ in lightness as well as in colour.

/// Series colours are told apart by their place.
pub(super) const STYLE: &str = "
text { font-family: system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif; }
.ground { fill: #ffffff; }
.ink { fill: #16202c; }
.soft { fill: #51606f; }
.grid { stroke: #dfe4ea; stroke-width: 1; }
.axis { stroke: #7a8794; stroke-width: 1; }
.line { fill: none; stroke-width: 2; stroke-linejoin: round; }
.s0 { fill: #1d5fd1; } .l0 { stroke: #1d5fd1; }
.s1 { fill: #e08a1e; } .l1 { stroke: #e08a1e; }
.s2 { fill: #0d7a6b; } .l2 { stroke: #0d7a6b; }
.s3 { fill: #c2407a; } .l3 { stroke: #c2407a; }
.s4 { fill: #7b5bd6; } .l4 { stroke: #7b5bd6; }
.s5 { fill: #7a8794; } .l5 { stroke: #7a8794; }
.spot { fill: transparent; }
@media (prefers-color-scheme: dark) {
.ground { fill: #12181f; }
.ink { fill: #e8edf2; }
.soft { fill: #a3b0bd; }
.grid { stroke: #2a343f; }
.axis { stroke: #6b7885; }
.s0 { fill: #6ea8ff; } .l0 { stroke: #6ea8ff; }
.s1 { fill: #f2b25c; } .l1 { stroke: #f2b25c; }
.s2 { fill: #4cc3b0; } .l2 { stroke: #4cc3b0; }
.s3 { fill: #f083b0; } .l3 { stroke: #f083b0; }
.s4 { fill: #b39bff; } .l4 { stroke: #b39bff; }
.s5 { fill: #98a5b3; } .l5 { stroke: #98a5b3; }
}
";
