/// The frame of every report: one file, no network, nothing in it runs but the
/// script of the review page, which the page's own policy names by digest.
package enum ReportPage {
    package static let style = """
        :root{color-scheme:light dark;--bg:#faf9f7;--card:#fff;--ink:#1d1b18;--soft:#6d675f;--line:#e5e1da;
        --accent:#b3541e;--a:#2f6f8f;--b:#b3541e;--c:#4f7d46;--d:#7b5aa6;--e:#a8862a;--f:#8a4b5c;
        --bad:#a32a2a;--badbg:#f9e9e6;--warn:#8a6400;--warnbg:#faf1d8;--ok:#3d6b35;--okbg:#e8f1e4}
        @media(prefers-color-scheme:dark){:root{--bg:#171614;--card:#201f1c;--ink:#ece8e1;--soft:#a09a90;
        --line:#34312c;--accent:#e08a50;--a:#6fb1d0;--b:#e08a50;--c:#8fbf84;--d:#b79be0;--e:#d9b95c;--f:#cf8ea0;
        --bad:#f09a90;--badbg:#3b201d;--warn:#e8c46a;--warnbg:#352b14;--ok:#a5cf9a;--okbg:#1f2d1b}}
        *{box-sizing:border-box}
        body{margin:0;background:var(--bg);color:var(--ink);
        font:15px/1.5 ui-sans-serif,system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
        main{max-width:1120px;margin:0 auto;padding:40px 24px 64px}
        header .mark{color:var(--accent);font-weight:600;letter-spacing:.04em;font-size:13px}
        h1{font:600 30px/1.2 ui-serif,Georgia,"Times New Roman",serif;margin:4px 0 6px;overflow-wrap:anywhere}
        h2{font:600 19px/1.3 ui-serif,Georgia,"Times New Roman",serif;margin:36px 0 12px}
        .soft,small{color:var(--soft)}
        .tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(140px,1fr));gap:12px;margin-top:24px}
        .tile{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:14px 16px}
        .tile b{display:block;font:600 25px/1.2 ui-serif,Georgia,serif;font-variant-numeric:tabular-nums}
        .tile span{color:var(--soft);font-size:13px}
        .card{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:16px 18px}
        .bars{display:grid;grid-template-columns:minmax(80px,max-content) 1fr max-content;gap:8px 14px;
        align-items:center}
        .bars svg{width:100%;height:16px;display:block}
        .bars .n{font-variant-numeric:tabular-nums;text-align:right}
        svg .track{fill:var(--line)}
        .k0{fill:var(--a)}.k1{fill:var(--b)}.k2{fill:var(--c)}.k3{fill:var(--d)}.k4{fill:var(--e)}.k5{fill:var(--f)}
        .axis{stroke:var(--line)}.curve{fill:none;stroke:var(--b);stroke-width:2}.guide{stroke:var(--soft);stroke-dasharray:3 4}
        svg text{fill:var(--soft);font-size:11px}
        .tools{display:flex;gap:10px;flex-wrap:wrap;align-items:center;margin-bottom:12px}
        input,select{font:inherit;color:inherit;background:var(--card);border:1px solid var(--line);
        border-radius:8px;padding:6px 10px}
        input{flex:1;min-width:200px}
        .scroll{overflow-x:auto}
        table{border-collapse:collapse;width:100%;font-size:14px}
        th{font-weight:600;text-align:left;color:var(--soft);font-size:13px;border-bottom:1px solid var(--line);
        padding:8px 10px;white-space:nowrap}
        th button{all:unset;cursor:pointer}th button:focus-visible{outline:2px solid var(--accent)}
        td{border-bottom:1px solid var(--line);padding:8px 10px;vertical-align:top;overflow-wrap:anywhere}
        tbody tr:last-child td,tbody tr:last-child th{border-bottom:0}
        td.n,th.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
        td.item{font:12.5px/1.6 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;color:var(--soft);
        min-width:150px;max-width:260px}
        td.label{min-width:84px;max-width:220px}td.state{min-width:96px;max-width:190px}
        td.subject{min-width:220px;max-width:520px}
        .chip{display:inline-block;border-radius:99px;padding:1px 9px;font-size:12.5px;white-space:nowrap;
        background:var(--okbg);color:var(--ok)}
        .chip.bad{background:var(--badbg);color:var(--bad)}.chip.warn{background:var(--warnbg);color:var(--warn)}
        .chip.none{background:transparent;color:var(--soft);padding:0}
        .label{font-weight:600}
        td .why{color:var(--soft);font-size:13px;display:block}
        .matrix td,.matrix th{text-align:right;font-variant-numeric:tabular-nums}
        .matrix th:first-child{text-align:left}.matrix .hit{color:var(--ok);font-weight:600}
        .matrix .miss{color:var(--bad);font-weight:600}
        footer{margin-top:40px;color:var(--soft);font-size:13px}
        .two{display:grid;grid-template-columns:repeat(auto-fit,minmax(300px,1fr));gap:16px}

        """

    /// SHA-256 in base64 of what the policy lets in. A test recomputes them.
    package static let styleDigest = "j9YMbxQAlw00HrZfP4z4GYmfPh2FknrcpqLquSGYY8c="
    package static let reviewStyleDigest = "Zj6q7xsriRACd5QDNVu422Jgd7f4wo9vnv/N6FclXtw="
    package static let reviewScriptDigest = "jDj9vrf7AmBbSUnl99oTjD8pkTOMt6Mb+k3Ewn5Y6+E="

    /// Everything before the content of `<main>`. `title` is plain text.
    ///
    /// - Parameter isReview: With the style and the script of ``ReviewPage``; other pages have no script.
    package static func head(title: String, isReview: Bool = false) -> String {
        let styles = "'sha256-\(styleDigest)'" + (isReview ? " 'sha256-\(reviewStyleDigest)'" : "")
        let script = isReview ? " script-src 'sha256-\(reviewScriptDigest)';" : ""
        return """
            <!doctype html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src \(styles);\(script) \
            base-uri 'none'; form-action 'none'">
            <meta name="referrer" content="no-referrer">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <title>\(HTMLText.escaped(title))</title>
            <style>\(style)</style>\(isReview ? "\n<style>\(ReviewPage.style)</style>" : "")
            </head>
            <body>
            <main>

            """
    }

    /// Everything behind it.
    package static func foot(isReview: Bool = false) -> String {
        """
        </main>\(isReview ? "\n<script>\(ReviewPage.script)</script>" : "")
        </body>
        </html>

        """
    }

    /// A tile with a number over its name.
    static func tile(_ value: String, _ name: String) -> String {
        "<div class=\"tile\"><b>\(HTMLText.escaped(value))</b><span>\(HTMLText.escaped(name))</span></div>\n"
    }

    /// A heading and the head of a table of numbers below it, up to the first row.
    ///
    /// - Parameter title: HTML.
    static func tableHead(_ title: String, _ columns: [String]) -> String {
        "<h2>\(title)</h2>\n<div class=\"card scroll\"><table class=\"matrix\"><thead><tr>"
            + columns.map { "<th>\(HTMLText.escaped($0))</th>" }.joined() + "</tr></thead><tbody>\n"
    }

    /// A bar of `share` (0...1) in colour `index`.
    static func bar(_ share: Double, _ index: Int) -> String {
        "<svg viewBox=\"0 0 100 10\" preserveAspectRatio=\"none\" aria-hidden=\"true\">"
            + "<rect class=\"track\" width=\"100\" height=\"10\" rx=\"1\"/>"
            + "<rect class=\"k\(index % 6)\" width=\"\(fixed(share * 100, 2))\" height=\"10\" rx=\"1\"/></svg>"
    }

    /// `12345` as `12,345`.
    static func grouped(_ value: Int) -> String {
        var digits = Array(String(value.magnitude))
        var at = digits.count - 3
        while at > 0 {
            digits.insert(",", at: at)
            at -= 3
        }
        return (value < 0 ? "-" : "") + String(digits)
    }
}
