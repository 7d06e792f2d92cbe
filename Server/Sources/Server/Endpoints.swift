import Completions
import Foundation
import HTTPTypes
import Hummingbird
import Inference
import JSON

/// What the server answers, path by path.
struct Endpoints: Sendable {
    let worker: Worker
    let bodies: RequestBodies
    let limits: Exchange.Limits
    let metrics: ServerMetrics
    /// Names under which requests may ask for the model; the first one is told.
    let names: [String]
    private let created = Int(Date().timeIntervalSince1970)

    init(
        worker: Worker, bodies: RequestBodies, limits: Exchange.Limits, metrics: ServerMetrics,
        names: [String]
    ) {
        self.worker = worker
        self.bodies = bodies
        self.limits = limits
        self.metrics = metrics
        self.names = names
    }

    private var model: LoadedModel { worker.model }

    typealias Handler = @Sendable (Request, ServerContext) async throws -> Response

    /// Every path with its methods.
    private var table: [(path: String, methods: [(HTTPRequest.Method, Handler)])] {
        [
            ("/health", [(.get, health)]),
            ("/metrics", [(.get, metricsText)]),
            ("/openapi.json", [(.get, document)]),
            ("/tokenize", [(.post, tokenize)]),
            ("/v1/models", [(.get, models)]),
            ("/v1/models/{id}", [(.get, modelByName)]),
            ("/v1/chat/completions", [(.post, { try await complete(.chat, $0, $1) })]),
            ("/v1/completions", [(.post, { try await complete(.text, $0, $1) })]),
            ("/v1/states", [(.get, states), (.post, makeState)]),
            ("/v1/states/{id}", [(.get, state), (.delete, removeState)]),
        ]
    }

    func router(_ gate: Gate) -> Router<ServerContext> {
        let router = Router(context: ServerContext.self, options: .autoGenerateHeadEndpoints)
        router.add(middleware: gate)
        for (path, methods) in table {
            for (method, handler) in methods { router.on(RouterPath(path), method: method, use: handler) }
            let allowed = methods.map(\.0.rawValue) + (methods.contains { $0.0 == .get } ? ["HEAD"] : [])
            for method: HTTPRequest.Method in [.get, .post, .put, .patch, .delete, .options, .trace, .query]
            where !methods.contains(where: { $0.0 == method }) {
                router.on(RouterPath(path), method: method) { _, _ -> Response in
                    throw MethodNotAllowed(allowed: allowed.joined(separator: ", "))
                }
            }
        }
        return router
    }

    // MARK: The server itself

    private func health(_ request: Request, _ context: ServerContext) -> Response {
        worker.isClosing
            ? .json(.object([JSONMember("status", .string("stopping"))]), status: .serviceUnavailable)
            : .json(.object([JSONMember("status", .string("ok"))]))
    }

    private func metricsText(_ request: Request, _ context: ServerContext) -> Response {
        Response(
            status: .ok, headers: [.contentType: "text/plain; version=0.0.4; charset=utf-8"],
            body: ResponseBody(byteBuffer: ByteBuffer(string: metrics.text(worker.standing))))
    }

    private func document(_ request: Request, _ context: ServerContext) -> Response {
        Response(
            status: .ok, headers: [.contentType: "application/json"],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: PackageResources.openapi_json)))
    }

    // MARK: The model

    private func describe(_ name: String) -> JSONValue {
        .object([
            JSONMember("id", .string(name)), JSONMember("object", .string("model")),
            JSONMember("created", .integer(created)), JSONMember("owned_by", .string("lector")),
            JSONMember("max_model_len", .integer(worker.context)),
        ])
    }

    private func models(_ request: Request, _ context: ServerContext) -> Response {
        .json(
            .object([
                JSONMember("object", .string("list")), JSONMember("data", .array(names.map(describe))),
            ]))
    }

    private func modelByName(_ request: Request, _ context: ServerContext) throws -> Response {
        let name = context.parameters.get("id") ?? ""
        try checkModel(name)
        return .json(describe(name))
    }

    private func checkModel(_ name: String?) throws(APIError) {
        guard let name, !names.contains(name) else { return }
        throw APIError(
            status: 404, "there is no such model; this server has \(names.joined(separator: ", "))",
            parameter: "model", code: "model_not_found")
    }

    /// llama.cpp's shape.
    private func tokenize(_ request: Request, _ context: ServerContext) async throws -> Response {
        try await bodies.json(request) { body in
            guard let members = body.members else { throw APIError("the body is not a JSON object") }
            guard let content = body["content"]?.string else {
                throw APIError("`content` is missing, or no string", parameter: "content")
            }
            // No text becomes a control token here, and no token is put in front: these say what is done anyway.
            let inert: [String: JSONValue] = ["add_special": .bool(false), "parse_special": .bool(false)]
            for member in members where member.name != "content" {
                guard inert[member.name] == member.value else {
                    throw APIError(
                        inert[member.name] == nil
                            ? "`content` is the only member there is"
                            : "`\(member.name)` can only be false here",
                        parameter: inert[member.name] == nil ? nil : member.name,
                        code: "unsupported_parameter")
                }
            }
            let ids = model.tokenizer.encode(content)
            return .json(.object([JSONMember("tokens", .array(ids.map { .integer(Int($0)) }))]))
        }
    }

    // MARK: Completions

    private func complete(
        _ kind: CompletionRequest.Kind, _ request: Request, _ context: ServerContext
    ) async throws -> Response {
        let prepared = try await bodies.json(request) { body in
            let parsed = try CompletionRequest(kind, body: body)
            try checkModel(parsed.model)
            return try PreparedRequest(parsed, model: model, context: worker.context)
        }
        let exchange = try await Exchange(
            prepared, worker: worker, context: context, limits: limits, metrics: metrics)
        var response = answer(to: prepared.request)
        guard prepared.request.streams else {
            try await exchange.finish { response.add($0) }
            return .json(response.json)
        }
        let first = try await exchange.begin()
        return .events { [response] writer in
            var response = response
            try await exchange.stream(first, to: &writer) { response.chunks($0) }
        }
    }

    /// What is told of a request, with nothing in it yet.
    private func answer(to request: CompletionRequest) -> CompletionResponse {
        CompletionResponse(
            request, name: Gate.randomName(), created: Int(Date().timeIntervalSince1970),
            model: request.model ?? names[0], fingerprint: model.engine.fingerprint)
    }

    // MARK: States

    private var shelf: StateShelf {
        get throws(APIError) {
            guard let shelf = worker.shelf else {
                throw APIError(status: 404, "this server keeps no states", code: "no_states")
            }
            return shelf
        }
    }

    private func states(_ request: Request, _ context: ServerContext) throws -> Response {
        .json(try shelf.list())
    }

    private func state(_ request: Request, _ context: ServerContext) throws -> Response {
        .json(try shelf.show(context.parameters.get("id") ?? ""))
    }

    private func removeState(_ request: Request, _ context: ServerContext) throws -> Response {
        let id = context.parameters.get("id") ?? ""
        try shelf.remove(id)
        return .json(
            .object([
                JSONMember("id", .string(id)), JSONMember("object", .string("state")),
                JSONMember("deleted", .bool(true)),
            ]))
    }

    /// Reads a prompt and keeps the state behind it.
    private func makeState(_ request: Request, _ context: ServerContext) async throws -> Response {
        let shelf = try self.shelf
        let (prepared, title) = try await bodies.json(request) { body in
            let wanted = try StateRequest(body)
            try checkModel(wanted.completion.model)
            return (
                try PreparedRequest(
                    wanted.completion, model: model, context: worker.context, opensReply: false), wanted.title
            )
        }
        let exchange = try await Exchange(
            prepared, keepsState: title, worker: worker, context: context, limits: limits, metrics: metrics)
        let kept: @Sendable (CompletionEvent) throws -> JSONValue? = { event in
            guard case .done(let usage, let key?) = event else { return nil }
            return .object((try shelf.show(key).members ?? []) + [JSONMember("usage", usage.json)])
        }
        guard prepared.request.streams else {
            var made: Result<JSONValue, any Error>?
            try await exchange.finish { event in
                do { if let state = try kept(event) { made = .success(state) } } catch {
                    made = .failure(error)
                }
            }
            guard let made else { throw APIError(status: 500, type: "server_error", "no state was kept") }
            return .json(try made.get())
        }
        let first = try await exchange.begin()
        let response = answer(to: prepared.request)
        return .events { [response] writer in
            var response = response
            try await exchange.stream(first, to: &writer) { event in
                if case .progress = event { return response.chunks(event) }
                do { return try kept(event).map { [$0] } ?? [] } catch {
                    return [(error as? APIError)?.json ?? .null]
                }
            }
        }
    }
}

extension HTTPRequest.Method {
    /// A GET with a body.
    static let query = HTTPRequest.Method("QUERY")!
}

extension Response {
    /// Server-sent events.
    static func events(
        _ write: @escaping @Sendable (inout any ResponseBodyWriter) async throws -> Void
    ) -> Response {
        Response(
            status: .ok,
            headers: [
                .contentType: "text/event-stream", .cacheControl: "no-cache",
                // Proxies that gather what they pass on must not.
                HTTPField.Name("x-accel-buffering")!: "no",
            ],
            body: ResponseBody { writer in
                try await write(&writer)
                try await writer.finish(nil)
            })
    }
}
