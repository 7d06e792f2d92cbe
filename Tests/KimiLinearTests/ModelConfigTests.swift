import JSON
import KimiLinear
import Testing
import WeightFiles

@Suite struct ModelConfigTests {
    /// The golden config with one field set; `linear_attn_config.` reaches the inner object.
    static func config(_ field: String? = nil, _ value: JSONValue = .null) throws -> JSONValue {
        var json = try readJSON(path: Golden.folder + "/config.json")
        guard let field, case .object(var fields) = json else { return json }
        if field.hasPrefix("linear_attn_config."), case .object(var inner)? = json["linear_attn_config"] {
            let name = String(field.dropFirst("linear_attn_config.".count))
            inner.removeAll { $0.name == name }
            inner.append(JSONMember(name, value))
            fields.removeAll { $0.name == "linear_attn_config" }
            fields.append(JSONMember("linear_attn_config", .object(inner)))
        } else {
            fields.removeAll { $0.name == field }
            fields.append(JSONMember(field, value))
        }
        json = .object(fields)
        return json
    }

    @Test("the golden config says what it says")
    func golden() throws {
        let config = try ModelConfig(json: try Self.config())
        #expect(config.layers == [.kda, .kda, .mla, .kda, .mla])
        #expect(config.feedForward == [.dense, .moe, .moe, .moe, .moe])
        #expect(config.window == nil && config.experts == 8 && config.routedScale == 2.446)
        #expect(config.parameterCount == 383_174)
        #expect(try ModelConfig(json: try Self.config("sliding_window", .integer(1024))).window == 1024)
        #expect(
            try ModelConfig(json: try Self.config("num_experts", .null)).feedForward.allSatisfy {
                $0 == .dense
            })
    }

    @Test(
        "switches of newer relatives are refused by name, and off is off",
        arguments: [
            ("gate_lower_bound", JSONValue.integer(-5)), ("use_full_rank_gate", .bool(true)),
            ("mla_use_output_gate", .bool(true)), ("attn_res_block_size", .integer(12)),
            ("routed_expert_hidden_size", .integer(3584)), ("activation_situ_beta", .integer(4)),
            ("q_lora_rank", .integer(1536)), ("num_nextn_predict_layers", .integer(1)),
        ])
    func variants(field: String, value: JSONValue) throws {
        let json = try Self.config(field, value)
        #expect(
            performing: { try ModelConfig(json: json) },
            throws: {
                guard case .config(_, field, _, _)? = $0 as? WeightFileError else { return false }
                return true
            })
        for off in [JSONValue.null, .bool(false)] { _ = try ModelConfig(json: try Self.config(field, off)) }
    }

    @Test(
        "what cannot be run is refused by name",
        arguments: [
            ("hidden_size", JSONValue.null), ("hidden_size", .integer(0)), ("vocab_size", .string("many")),
            ("model_type", .string("llama")), ("hidden_act", .string("gelu")), ("mla_use_nope", .bool(false)),
            ("sliding_window", .integer(-1)), ("moe_router_activation_func", .string("softmax")),
            ("linear_attn_config.kda_layers", .array([.integer(1), .integer(2)])),
            ("linear_attn_config.kda_layers", .array([.integer(1), .integer(2), .integer(3), .integer(4)])),
            ("linear_attn_config.full_attn_layers", .array([.integer(3), .integer(6)])),
            ("linear_attn_config.gate_lower_bound", .integer(-5)),
            ("num_experts_per_token", .integer(9)), ("linear_attn_config", .null),
        ])
    func refused(field: String, value: JSONValue) throws {
        let json = try Self.config(field, value)
        #expect(
            performing: { try ModelConfig(json: json) },
            throws: {
                if case .config? = $0 as? WeightFileError { true } else { false }
            })
    }
}
