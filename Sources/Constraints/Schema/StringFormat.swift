/// Formats of strings as patterns of whole strings.
///
/// Sources: RFC 3339 (dates), ISO 8601 durations as in JSON Schema's appendix, RFC 5321 and 1123
/// (addresses and hosts), RFC 3986 (URIs), RFC 4291 (IPv6), RFC 4122 (UUIDs), RFC 6901 (pointers).
enum StringFormat {
    enum Result {
        case pattern(String)
        /// A format of the standard that is not implemented.
        case refused
        /// Not a format of the standard: an annotation.
        case unknown
    }

    static func pattern(of name: String) -> Result {
        switch name {
        case "date": .pattern(date)
        case "time": .pattern(time)
        case "date-time": .pattern("(?:\(date))[Tt](?:\(time))")
        case "duration": .pattern(duration)
        case "email": .pattern("\(atom)(?:\\.\(atom))*@\(host)")
        case "hostname": .pattern(host)
        case "ipv4": .pattern(ipv4)
        case "ipv6": .pattern(ipv6)
        case "uuid": .pattern("[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
        case "uri": .pattern("\(scheme):(?:\(hierarchy))(?:\\?\(query))?(?:#\(query))?")
        case "uri-reference":
            .pattern(
                "(?:\(scheme):(?:\(hierarchy))|//\(authority)(?:/\(pchar)*)*|/(?:\(pchar)+(?:/\(pchar)*)*)?|(?:\(segmentNoColon)(?:/\(pchar)*)*)?)(?:\\?\(query))?(?:#\(query))?"
            )
        case "json-pointer": .pattern(pointer)
        case "relative-json-pointer": .pattern("(?:0|[1-9][0-9]*)(?:#|\(pointer))")
        case "idn-email", "idn-hostname", "iri", "iri-reference", "uri-template", "regex": .refused
        default: .unknown
        }
    }

    private static let date =
        "[0-9]{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8]))"
        + "|(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)-02-29"
    private static let time =
        "(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\\.[0-9]+)?(?:[Zz]|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
    private static let clock = "T(?:[0-9]+H(?:[0-9]+M(?:[0-9]+S)?)?|[0-9]+M(?:[0-9]+S)?|[0-9]+S)"
    private static let duration =
        "P(?:[0-9]+W|(?:[0-9]+Y(?:[0-9]+M(?:[0-9]+D)?)?|[0-9]+M(?:[0-9]+D)?|[0-9]+D)(?:\(clock))?|\(clock))"
    private static let atom = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
    private static let label = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
    private static let host = "\(label)(?:\\.\(label))*"
    private static let byte = "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
    private static let ipv4 = "\(byte)(?:\\.\(byte)){3}"
    private static let hex = "[0-9a-fA-F]{1,4}"
    private static let ipv6: String = {
        let last = "(?:\(hex):\(hex)|\(ipv4))"
        var forms = ["(?:\(hex):){6}\(last)", "::(?:\(hex):){5}\(last)"]
        for before in 0...4 {
            let after = 4 - before
            forms.append("(?:\(hex)(?::\(hex)){0,\(before)})?::(?:\(hex):){\(after)}\(last)")
        }
        forms.append("(?:\(hex)(?::\(hex)){0,5})?::\(hex)")
        forms.append("(?:\(hex)(?::\(hex)){0,6})?::")
        return forms.joined(separator: "|")
    }()
    private static let scheme = "[A-Za-z][A-Za-z0-9+.-]*"
    private static let pchar = "(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})"
    private static let segmentNoColon = "(?:[A-Za-z0-9._~!$&'()*+,;=@-]|%[0-9A-Fa-f]{2})+"
    private static let query = "(?:[A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-Fa-f]{2})*"
    private static let authority =
        "(?:(?:[A-Za-z0-9._~!$&'()*+,;=:-]|%[0-9A-Fa-f]{2})*@)?(?:\\[(?:\(ipv6))\\]|(?:[A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*)(?::[0-9]*)?"
    private static let hierarchy =
        "//\(authority)(?:/\(pchar)*)*|/(?:\(pchar)+(?:/\(pchar)*)*)?|\(pchar)+(?:/\(pchar)*)*|"
    private static let pointer = "(?:/(?:[^~/]|~[01])*)*"
}
