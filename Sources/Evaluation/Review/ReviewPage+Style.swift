extension ReviewPage {
    /// Behind ``ReportPage/style``.
    package static let style = """
        main{max-width:1480px}
        .two{align-items:start}.bars small{font-size:12.5px}
        button.pick{all:unset;cursor:pointer;border-bottom:1px dotted var(--soft)}
        button:focus-visible,.list:focus-visible,.doc:focus-visible,input:focus-visible,select:focus-visible{
        outline:2px solid var(--accent);outline-offset:1px}
        .tools{margin-top:32px}.sure{color:var(--soft);font-size:14px;white-space:nowrap}
        .sure input{min-width:0;width:76px;flex:none;margin:0 2px}
        #shown{font-variant-numeric:tabular-nums;white-space:nowrap}
        [hidden]{display:none!important}
        .review{display:grid;grid-template-columns:minmax(300px,5fr) minmax(380px,8fr);gap:14px;height:84vh;min-height:460px}
        main.single{max-width:1080px}.single .review{grid-template-columns:1fr;margin-top:28px}.single .list{display:none}
        .list,.doc{overflow:auto;padding:0;position:relative;overscroll-behavior:contain}
        #space{position:relative}
        .row{position:absolute;left:0;right:0;height:62px;padding:8px 14px;border-bottom:1px solid var(--line);
        cursor:pointer;overflow:hidden;border-left:3px solid transparent}
        .row[aria-selected=true]{background:var(--bg);border-left-color:var(--accent)}
        .row .top{display:flex;gap:8px;align-items:baseline}
        .row .what{flex:1;white-space:nowrap;overflow:hidden;text-overflow:ellipsis}
        .row .num{font-variant-numeric:tabular-nums;color:var(--soft);font-size:13px}
        .row .low{display:flex;gap:8px;align-items:baseline;font-size:12.5px;color:var(--soft);margin-top:2px}
        .row .low .where{flex:1;white-space:nowrap;overflow:hidden;text-overflow:ellipsis;
        font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:11.5px}
        .row .tag{font-weight:600;font-size:13px;white-space:nowrap;max-width:45%;overflow:hidden;text-overflow:ellipsis}
        .none{padding:24px;color:var(--soft)}
        .doc{padding:20px 24px}
        .doc h3{font:600 20px/1.3 ui-serif,Georgia,"Times New Roman",serif;margin:0 0 4px;overflow-wrap:anywhere}
        .doc .path{font:12.5px/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;color:var(--soft);
        overflow-wrap:anywhere}
        .facts{display:grid;grid-template-columns:max-content 1fr;gap:2px 14px;margin:12px 0;font-size:13.5px}
        .facts dt{color:var(--soft)}.facts dd{margin:0;overflow-wrap:anywhere}
        .warnings{background:var(--warnbg);color:var(--warn);border-radius:8px;padding:8px 12px;font-size:13.5px;margin:12px 0}
        .share{display:grid;grid-template-columns:minmax(70px,max-content) 1fr 56px;gap:4px 12px;align-items:center;
        font-size:13.5px;margin:12px 0}
        .share svg{width:100%;height:10px;display:block}.share .n{text-align:right;font-variant-numeric:tabular-nums}
        .values{margin:14px 0;font-size:14px}.values td,.values th{padding:6px 10px 6px 0}
        .values td.name{color:var(--soft);white-space:nowrap;width:1%;max-width:220px;overflow:hidden;text-overflow:ellipsis}
        .values button{all:unset;cursor:pointer;white-space:pre-wrap;overflow-wrap:anywhere}
        .values .gone{color:var(--soft)}.values .note{display:block;color:var(--soft);font-size:12.5px}
        .values th.group{text-align:left;font:600 15px/1.3 ui-serif,Georgia,"Times New Roman",serif;color:inherit;
        padding-top:16px}
        .values tr.on td{background:var(--bg)}
        .text{white-space:pre-wrap;overflow-wrap:anywhere;unicode-bidi:plaintext;font-size:14.5px;line-height:1.6;
        tab-size:4;border-top:1px solid var(--line);padding-top:14px;margin-top:14px}
        .text+.text{border-top:1px dashed var(--line)}
        .gap{color:var(--soft);font-size:13px;margin-top:10px}
        mark{color:inherit;border-radius:3px;padding:1px 0;border-bottom:2px solid var(--c0);background:var(--w0)}
        mark.m1{border-color:var(--c1);background:var(--w1)}mark.m2{border-color:var(--c2);background:var(--w2)}
        mark.m3{border-color:var(--c3);background:var(--w3)}mark.m4{border-color:var(--c4);background:var(--w4)}
        mark.m5{border-color:var(--c5);background:var(--w5)}
        mark.here{outline:2px solid var(--accent);outline-offset:1px}
        .dot{display:inline-block;width:9px;height:9px;border-radius:99px;margin-right:7px;background:var(--a)}
        .dot.m1{background:var(--b)}.dot.m2{background:var(--c)}.dot.m3{background:var(--d)}
        .dot.m4{background:var(--e)}.dot.m5{background:var(--f)}
        :root{--c0:var(--a);--c1:var(--b);--c2:var(--c);--c3:var(--d);--c4:var(--e);--c5:var(--f);
        --w0:#dcecf4;--w1:#f8e3d4;--w2:#e0eedc;--w3:#e9e0f5;--w4:#f6edcf;--w5:#f3dde3}
        @media(prefers-color-scheme:dark){:root{--w0:#1d3a47;--w1:#4a2d19;--w2:#27391f;--w3:#372a4a;--w4:#423816;--w5:#45252f}}
        kbd{border:1px solid var(--line);border-radius:4px;padding:0 5px;font-size:12px;background:var(--card)}
        @media(max-width:900px){.review{grid-template-columns:1fr;height:auto}.list{height:44vh}.doc{max-height:none}}
        @media print{.tools,.list{display:none}.review{display:block;height:auto}}

        """
}
