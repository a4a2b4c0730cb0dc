# Copyright (c) 2026 rollcall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: this file may change without notice.
"""Colours for light and dark, in the picture itself: it is seen in pages that have neither."""

from __future__ import annotations

STYLE = """
svg{--page:#fff;--box:#f5f7fa;--edge:#7b8794;--ink:#1f2933;--soft:#52606d;
--balancer:#e3f2fd;--balancer-edge:#1565c0;--service:#fff3e0;--service-edge:#b26a00;
--registrator:#e0f5f2;--registrator-edge:#0c7a80;--consul:#fbe9f3;--consul-edge:#ab2a60;
--passing:#1b7f3b;--warning:#b26a00;--critical:#c62828;
font-family:system-ui,"DejaVu Sans",Helvetica,Arial,sans-serif}
@media (prefers-color-scheme:dark){svg{--page:#12171d;--box:#1c242d;--edge:#7f8c99;--ink:#eef2f6;
--soft:#b0bcc8;--balancer:#12304d;--balancer-edge:#64b5f6;--service:#3d2c10;--service-edge:#ffb74d;
--registrator:#0e3638;--registrator-edge:#4dd0c8;--consul:#43192e;--consul-edge:#f48fb1;
--passing:#66d17f;--warning:#ffb74d;--critical:#ff8a80}}
.page{fill:var(--page)}.host{fill:var(--box);stroke:var(--edge)}
text{fill:var(--ink);font-size:15px}.name{font-weight:600}.soft{fill:var(--soft);font-size:13px}
.head{font-size:17px;font-weight:600}.end{text-anchor:end}.middle{text-anchor:middle}
.balancer{fill:var(--balancer);stroke:var(--balancer-edge)}
.service{fill:var(--service);stroke:var(--service-edge)}
.registrator{fill:var(--registrator);stroke:var(--registrator-edge)}
.consul{fill:var(--consul);stroke:var(--consul-edge)}
.group{fill:none;stroke:var(--edge);stroke-dasharray:2 3}
.leads{stroke-width:3}.ill{stroke:var(--critical);stroke-width:2;stroke-dasharray:6 4}
.passing{fill:var(--passing)}.warning{fill:var(--warning)}.critical{fill:var(--critical)}
.none{fill:none;stroke:var(--soft);stroke-width:2}
.trouble{fill:var(--critical);font-size:13px}
.line{fill:none;stroke-width:2}.requests{stroke:var(--balancer-edge)}
.registers{stroke:var(--registrator-edge)}.cluster{stroke:var(--consul-edge)}
.list{stroke:var(--consul-edge);stroke-dasharray:5 4}
.tip-requests{fill:var(--balancer-edge)}.tip-registers{fill:var(--registrator-edge)}
.tip-list{fill:var(--consul-edge)}
"""
