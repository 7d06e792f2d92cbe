"""Teacher (SmolLM2-135M-Instruct from its GGUF), student (Kimi Linear in small) and the 4/8-bit grids, in plain PyTorch.

All sequences of a batch lie one after the other in N tokens; `Batch.cu` holds their borders. On a GPU the
recurrence, the short convolution and the gated norm are fla-core's kernels and attention is PyTorch's
flash attention; on a CPU (and whenever the self-check of a kernel fails) everything is plain PyTorch.
"""
import math
import os

import numpy as np
import torch
import torch.nn.functional as F

CONFIG = dict(hidden=576, layers=16, heads=9, kda=64, conv=4, nope=64, rope=32, v=64, rank=256, ffn=1536,
              vocab=49152, window=1024, every=4, eps=1e-5)
TINY = dict(CONFIG, hidden=64, layers=4, heads=2, kda=64, nope=32, rope=32, v=32, rank=64, ffn=96, vocab=49152, window=16)


def is_mla(j, c=CONFIG):
    """Every fourth layer; with every=0 none (the ablation)."""
    return c["every"] > 0 and j % c["every"] == c["every"] - 1


class Batch:
    def __init__(self, tokens, lengths, device):
        cu = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
        self.tokens = torch.as_tensor(np.asarray(tokens, dtype=np.int64)).to(device, non_blocking=True)
        self.cu_cpu = torch.from_numpy(cu).long()
        self.cu = torch.from_numpy(cu).to(device)
        self.cu_long = self.cu_cpu.to(device)
        self.max = int(max(lengths))
        self.pos = torch.as_tensor(np.concatenate([np.arange(l) for l in lengths])).to(device)
        self.seq = torch.as_tensor(np.repeat(np.arange(len(lengths)), lengths)).to(device)


# ---------------------------------------------------------------- grids (CONTRACTS: identical in Swift and C)

def kind(name):
    """'q4', 'q8' or 'f32': how the recipe `q4` stores a tensor."""
    if any(s in name for s in ("kv_a_proj", "kv_b_proj", "f_a_proj", "f_b_proj", "g_a_proj", "g_b_proj", "b_proj")):
        return "q8"
    if any(s in name for s in ("embed_tokens", "q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")):
        return "q4"
    return "f32"


def grid(w, bits):
    """Returns (q int8 [N,K], d fp16 [N,groups]); groups of 32 (4 bits) or 64 (8 bits) along K."""
    n, k = w.shape
    g = 32 if bits == 4 else 64
    assert k % g == 0, (n, k, g)
    x = w.detach().float().view(n, k // g, g)
    if bits == 4:
        m = x.gather(2, x.abs().argmax(2, keepdim=True))
        d = (m / -8).half()
        lo, hi = -8, 7
    else:
        d = (x.abs().amax(2, keepdim=True) / 127).half()
        lo, hi = -127, 127
    df = d.float()
    q = torch.where(df == 0, torch.zeros_like(x), torch.round(x / torch.where(df == 0, torch.ones_like(df), df))).clamp(lo, hi)
    return q.view(n, k).to(torch.int8), d.view(n, k // g)


def from_grid(q, d):
    n, k = q.shape
    return (q.view(n, d.shape[1], -1).float() * d.float().unsqueeze(2)).view(n, k)


def rounded(w, name):
    k = kind(name)
    return w if k == "f32" else from_grid(*grid(w, 4 if k == "q4" else 8))


class _Straight(torch.autograd.Function):
    @staticmethod
    def forward(ctx, w, name):
        return rounded(w, name)

    @staticmethod
    def backward(ctx, g):
        return g, None


class _Int8Rows(torch.autograd.Function):
    """Activations as the engine takes them (decision 15): int8, the row's scale times a power of two for each 64 values."""

    @staticmethod
    def forward(ctx, x):
        f = x.float().view(*x.shape[:-1], -1, 64)
        most = f.abs().amax(-1, keepdim=True)
        row = most.amax(-2, keepdim=True)
        below = torch.floor(torch.log2(row / most.clamp_min(1e-30))).clamp(0, 10)
        s = (row / 127) * torch.exp2(-below)
        return (torch.round(f / s.clamp_min(1e-30)).clamp(-127, 127) * s).view_as(x).to(x.dtype)

    @staticmethod
    def backward(ctx, g):
        return g


# ---------------------------------------------------------------- kernels: plain ones, replaced on a GPU

def conv_plain(x, w, b):
    """x [N,C], w [C,4] (last tap is the current token), SiLU after."""
    y = x * w[:, 3]
    for s in (1, 2, 3):
        y = y + torch.where((b.pos >= s)[:, None], F.pad(x, (0, 0, s, 0))[: x.shape[0]], 0) * w[:, 3 - s]
    return F.silu(y)


def kda_plain(q, k, v, f, beta, a_log, dt_bias, b):
    """Token by token, fp32. q,k,v,f [N,H,D], beta [N,H] after the sigmoid. q and k get normed here."""
    n, h, d = q.shape
    q, k, v, f = (t.float() for t in (q, k, v, f))
    q = q * torch.rsqrt(q.pow(2).sum(-1, keepdim=True) + 1e-6) * d ** -0.5
    k = k * torch.rsqrt(k.pow(2).sum(-1, keepdim=True) + 1e-6)
    decay = torch.exp(-torch.exp(a_log.view(1, h, 1)) * F.softplus(f + dt_bias.view(1, h, d)))
    out, cu = [], b.cu_cpu.tolist()
    for s, e in zip(cu, cu[1:]):
        state = q.new_zeros(h, d, v.shape[-1])
        for t in range(s, e):
            state = state * decay[t].unsqueeze(-1)
            u = beta[t].unsqueeze(-1) * (v[t] - (state * k[t].unsqueeze(-1)).sum(1))
            state = state + k[t].unsqueeze(-1) * u.unsqueeze(1)
            out.append((state * q[t].unsqueeze(-1)).sum(1))
    return torch.stack(out)


def attention_plain(q, k, v, b, window, scale):
    """q,k [N,H,D], v [N,H,V]; a query sees itself and the window-1 tokens before, in its sequence only."""
    out, cu = [], b.cu_cpu.tolist()
    for s, e in zip(cu, cu[1:]):
        i = torch.arange(e - s, device=q.device)
        m = (i[:, None] >= i[None, :])
        if window:
            m &= (i[:, None] - i[None, :]) < window
        o = F.scaled_dot_product_attention(q[s:e].transpose(0, 1), k[s:e].transpose(0, 1), v[s:e].transpose(0, 1), attn_mask=m, scale=scale)
        out.append(o.transpose(0, 1))
    return torch.cat(out)


def gated_norm_plain(o, g, w, eps):
    return (F.rms_norm(o.float(), (o.shape[-1],), w.float(), eps) * torch.sigmoid(g.float())).to(g.dtype)


def swiglu_plain(a, b):
    return F.silu(a) * b


class K:  # the kernels in use
    conv, kda, attention, gated_norm, swiglu = map(staticmethod, (conv_plain, kda_plain, attention_plain, gated_norm_plain, swiglu_plain))


def conv_fla(x, w, b):
    from fla.modules.causal_conv1d import causal_conv1d
    y = causal_conv1d(x.unsqueeze(0), w.contiguous(), activation="silu", cu_seqlens=b.cu_long)
    return (y[0] if isinstance(y, tuple) else y)[0]


def kda_fla(q, k, v, f, beta, a_log, dt_bias, b):
    from fla.ops.kda import chunk_kda
    o, _ = chunk_kda(*(t.unsqueeze(0).contiguous() for t in (q, k, v, f)), beta.unsqueeze(0), A_log=a_log.view(-1), dt_bias=dt_bias,
                     use_qk_l2norm_in_kernel=True, use_gate_in_kernel=True, cu_seqlens=b.cu_long, cu_seqlens_cpu=b.cu_cpu)
    return o[0]


def attention_flash(q, k, v, b, window, scale):
    d, dv = q.shape[-1], v.shape[-1]
    if dv < d:
        v = F.pad(v, (0, d - dv))
    extra = dict(window_size_left=window - 1, window_size_right=0) if window else {}
    o = torch.ops.aten._flash_attention_forward(q.contiguous(), k.contiguous(), v.contiguous(), b.cu, b.cu, b.max, b.max, 0.0, True, False, scale=scale, **extra)[0]
    return o[..., :dv]


def attention_masked(q, k, v, b, window, scale):
    """Fallback on a GPU: PyTorch's memory-efficient attention with an explicit mask, rows of 2048."""
    n, L = q.shape[0], 2048
    assert n % L == 0 and b.max <= L
    if getattr(b, "masks", None) is None:
        b.masks = {}
    if window not in b.masks:
        s = b.seq.view(-1, L)
        i = torch.arange(L, device=q.device)
        m = (s[:, :, None] == s[:, None, :]) & (i[:, None] >= i[None, :])
        if window:
            m &= (i[:, None] - i[None, :]) < window
        b.masks[window] = torch.zeros(m.shape, dtype=q.dtype, device=q.device).masked_fill_(~m, float("-inf")).unsqueeze(1)
    f = lambda t: t.view(n // L, L, t.shape[1], t.shape[2]).transpose(1, 2)
    o = F.scaled_dot_product_attention(f(q), f(k), f(v), attn_mask=b.masks[window], scale=scale)
    return o.transpose(1, 2).reshape(n, v.shape[1], v.shape[2])


def gated_norm_fla(o, g, w, eps):
    from fla.modules.norm.fused_norm_gate import rms_norm_gated
    return rms_norm_gated(o.contiguous(), g.contiguous(), w, None, activation="sigmoid", eps=eps)


def swiglu_fla(a, b):
    from fla.modules.activations.ops import swiglu
    return swiglu(a, b)


def few_configs(most):
    """Lets Triton's autotuner try at most `most` configurations of a kernel, evenly picked: tuning costs lease time."""
    import triton.runtime.autotuner as A
    init = A.Autotuner.__init__

    def limited(self, fn, arg_names, configs, *a, **k):
        if configs and len(configs) > most:
            configs = [configs[round(i * (len(configs) - 1) / (most - 1))] for i in range(most)]
        if (pre := os.environ.get("PRETUNE")) and configs:  # one configuration only: nothing to measure
            configs = [configs[int(pre) % len(configs)]]
        init(self, fn, arg_names, configs, *a, **k)

    A.Autotuner.__init__ = limited


def use_gpu_kernels(log=print, tokens=32768, row=2048, c=CONFIG):
    """Tunes each GPU kernel on a batch of the real size, then compares values and gradients with the plain form on a small one."""
    dev = "cuda"
    few_configs(6)
    torch.manual_seed(0)
    lengths = [700, 100, 45, 1203]
    b = Batch(np.zeros(sum(lengths)), lengths, dev)
    n, h, d = sum(lengths), c["heads"], c["kda"]
    R = lambda *s: torch.randn(*s, device=dev, dtype=torch.bfloat16).requires_grad_()

    big = Batch(np.zeros(tokens), [row] * (tokens // row), dev)

    def compare(name, fast, plain, args, rest, tol=0.03):
        try:
            grow = lambda a: torch.randn(tokens, *a.shape[1:], device=dev, dtype=a.dtype).mul_(0.5).requires_grad_() if a.shape[0] == args[0].shape[0] else a.detach().clone().requires_grad_()
            fast(*map(grow, args), *[big if isinstance(x, Batch) else x for x in rest]).float().sum().backward()
            torch.cuda.synchronize()
            log(f"kernel {name} tuned")
            outs = []
            for fn in (fast, plain):
                for a in args:
                    a.grad = None
                o = fn(*args, *rest)
                torch.manual_seed(1)
                (o.float() * torch.randn(o.shape, device=dev)).sum().backward()
                outs.append([o.detach().float()] + [a.grad.float() for a in args])
            err = max(((x - y).norm() / (y.norm() + 1e-9)).item() for x, y in zip(*outs))
            log(f"kernel {name}: relative error {err:.4f}")
            return err < tol
        except Exception as e:
            log(f"kernel {name} failed: {e!r}"[:600])
            return False

    if compare("conv", conv_fla, conv_plain, [R(n, 3 * h * d), torch.randn(3 * h * d, 4, device=dev).requires_grad_()], [b]):
        K.conv = staticmethod(conv_fla)
    if compare("gated_norm", gated_norm_fla, gated_norm_plain, [R(n, h, d), R(n, h, d), torch.ones(d, device=dev).requires_grad_()], [1e-5]):
        K.gated_norm = staticmethod(gated_norm_fla)
    if compare("swiglu", swiglu_fla, swiglu_plain, [R(n, c["ffn"]), R(n, c["ffn"])], []):
        K.swiglu = staticmethod(swiglu_fla)
    a = [R(n, h, c["nope"] + c["rope"]), R(n, h, c["nope"] + c["rope"]), R(n, h, c["v"])]
    K.attention = staticmethod(attention_flash if compare("flash attention", attention_flash, attention_plain, a, [b, c["window"] // 2, 96 ** -0.5]) else attention_masked)
    K.kda = staticmethod(kda_fla)
    short = [64 + 37, 99]
    bs = Batch(np.zeros(sum(short)), short, dev)
    m = sum(short)
    a = [R(m, h, d), R(m, h, d), R(m, h, d), R(m, h, d), torch.rand(m, h, device=dev).requires_grad_(), torch.rand(h, device=dev).requires_grad_(), torch.rand(h * d, device=dev).requires_grad_()]
    if not compare("kda", kda_fla, kda_plain, a, [bs], tol=0.3):
        raise SystemExit("chunk_kda does not agree with the plain recurrence")


# ---------------------------------------------------------------- student

class Student(torch.nn.Module):
    """Parameters under the Hugging Face Kimi-Linear names (dots written as '/')."""

    def __init__(self, c=CONFIG, seed=0):
        super().__init__()
        self.c, self.quant, self.cast, self.latent_bf16 = c, False, None, False
        self.act_quant, self.window = False, c["window"]
        g = torch.Generator().manual_seed(seed)
        N = lambda *s, std=0.02: torch.randn(*s, generator=g) * std
        U = lambda *s: torch.rand(*s, generator=g)
        d, h, k = c["hidden"], c["heads"], c["kda"]
        p = {"model.embed_tokens.weight": N(c["vocab"], d), "model.norm.weight": torch.ones(d)}
        for j in range(c["layers"]):
            L = f"model.layers.{j}."
            p[L + "input_layernorm.weight"] = torch.ones(d)
            p[L + "post_attention_layernorm.weight"] = torch.ones(d)
            p[L + "mlp.gate_proj.weight"], p[L + "mlp.up_proj.weight"] = N(c["ffn"], d), N(c["ffn"], d)
            p[L + "mlp.down_proj.weight"] = N(d, c["ffn"])
            A = L + "self_attn."
            if is_mla(j, c):
                p[A + "q_proj.weight"] = N(h * (c["nope"] + c["rope"]), d)
                p[A + "kv_a_proj_with_mqa.weight"] = N(c["rank"] + c["rope"], d)
                p[A + "kv_a_layernorm.weight"] = torch.ones(c["rank"])
                p[A + "kv_b_proj.weight"] = N(h * (c["nope"] + c["v"]), c["rank"])
                p[A + "o_proj.weight"] = N(d, h * c["v"])
            else:
                for s in "qkv":
                    p[A + f"{s}_proj.weight"] = N(h * k, d)
                    p[A + f"{s}_conv1d.weight"] = N(h * k, 1, 4) + torch.tensor([0.0, 0, 0, 1])
                p[A + "A_log"] = torch.log(1 + 15 * U(1, 1, h, 1))
                dt = torch.exp(U(h * k) * (math.log(0.1) - math.log(0.001)) + math.log(0.001)).clamp_min(1e-4)
                p[A + "dt_bias"] = dt + torch.log(-torch.expm1(-dt))
                for s in "fg":
                    p[A + f"{s}_a_proj.weight"], p[A + f"{s}_b_proj.weight"] = N(k, d), N(h * k, k)
                p[A + "b_proj.weight"] = N(h, d)
                p[A + "o_norm.weight"] = torch.ones(k)
                p[A + "o_proj.weight"] = N(d, h * k)
        self.p = torch.nn.ParameterDict({n.replace(".", "/"): torch.nn.Parameter(t) for n, t in p.items()})

    def named(self):
        return {n.replace("/", "."): t for n, t in self.p.items()}

    def w(self, name):
        t = self.p[name.replace(".", "/")]
        if self.quant and kind(name) != "f32":
            t = _Straight.apply(t, name)
        return t.to(self.cast) if self.cast is not None and t.dim() == 2 else t

    def aq(self, x):
        return _Int8Rows.apply(x) if self.act_quant else x

    def norm(self, x, name, eps=None):
        y = F.rms_norm(x.float(), (x.shape[-1],), self.p[name.replace(".", "/")], eps or self.c["eps"])
        return y.to(self.cast) if self.cast is not None else y

    def attention(self, j, x, b):
        c, A = self.c, f"model.layers.{j}.self_attn."
        w = lambda s: self.w(A + s + ".weight")
        n, h, k = x.shape[0], c["heads"], c["kda"]
        x = self.aq(x)
        if is_mla(j, c):
            q = (x @ w("q_proj").T).view(n, h, -1)
            a = x @ w("kv_a_proj_with_mqa").T
            lat = self.norm(a[:, : c["rank"]], A + "kv_a_layernorm.weight", 1e-6)
            kr = a[:, c["rank"]:]
            if self.latent_bf16:
                lat, kr = lat.bfloat16().to(lat.dtype), kr.bfloat16().to(kr.dtype)
            kv = (self.aq(lat) @ w("kv_b_proj").T).view(n, h, -1)
            kk = torch.cat([kv[..., : c["nope"]], kr.unsqueeze(1).expand(n, h, c["rope"])], -1)
            o = K.attention(q, kk, kv[..., c["nope"]:], b, self.window, (c["nope"] + c["rope"]) ** -0.5)
        else:
            qkv = x @ torch.cat([w("q_proj"), w("k_proj"), w("v_proj")]).T
            cw = torch.cat([self.p[(A + f"{s}_conv1d.weight").replace(".", "/")] for s in "qkv"]).squeeze(1)
            qkv = K.conv(qkv, cw, b)
            q, kk, v = (t.reshape(n, h, k) for t in qkv.split(h * k, 1))
            low = x @ torch.cat([w("f_a_proj"), w("g_a_proj"), w("b_proj")]).T
            fa, ga, beta = low.split([k, k, h], 1)
            f = (self.aq(fa) @ w("f_b_proj").T).view(n, h, k)
            g = (self.aq(ga) @ w("g_b_proj").T).view(n, h, k)
            o = K.kda(q, kk, v, f, beta.float().sigmoid(), self.p[(A + "A_log").replace(".", "/")], self.p[(A + "dt_bias").replace(".", "/")], b)
            o = K.gated_norm(o.to(x.dtype), g, self.p[(A + "o_norm.weight").replace(".", "/")], c["eps"])
        return self.aq(o.reshape(n, -1)) @ w("o_proj").T

    def forward(self, b, collect=None):
        """Returns the normed last hidden states [N, hidden]; `collect` gets each layer's output (fp32 residual)."""
        c = self.c
        object.__setattr__(self, "emb", self.w("model.embed_tokens.weight"))  # never registered as a parameter
        x = F.embedding(b.tokens, self.emb).float()
        for j in range(c["layers"]):
            L = f"model.layers.{j}."
            x = x + self.attention(j, self.norm(x, L + "input_layernorm.weight"), b)
            y = self.aq(self.norm(x, L + "post_attention_layernorm.weight"))
            u = y @ torch.cat([self.w(L + "mlp.gate_proj.weight"), self.w(L + "mlp.up_proj.weight")]).T
            a, z = u.chunk(2, 1)
            x = x + self.aq(K.swiglu(a, z)) @ self.w(L + "mlp.down_proj.weight").T
            if collect is not None:
                collect(j, x)
        return self.aq(self.norm(x, "model.norm.weight"))

    def logits(self, b):
        return self.forward(b) @ self.emb.T


# ---------------------------------------------------------------- teacher

class Teacher:
    """SmolLM2-135M-Instruct: 30 layers, 9 query and 3 key/value heads of 64, RoPE base 100000 (half-split layout)."""

    def __init__(self, gguf, device="cpu", dtype=torch.float32):
        from gguf_min import read
        t = {n: torch.from_numpy(a) for n, a in read(gguf).items()}
        unpermute = lambda w, h: w.view(h, 32, 2, 576).transpose(1, 2).reshape(h * 64, 576)  # llama.cpp interleaves the rotary halves
        self.layers, self.device, self.dtype = [], device, dtype
        for i in range(30):
            g = lambda s: t[f"blk.{i}.{s}.weight"]
            self.layers.append(dict(n1=g("attn_norm"), n2=g("ffn_norm"), q=unpermute(g("attn_q"), 9), k=unpermute(g("attn_k"), 3), v=g("attn_v"),
                                    o=g("attn_output"), gate=g("ffn_gate"), up=g("ffn_up"), down=g("ffn_down")))
        self.emb, self.final = t["token_embd.weight"], t["output_norm.weight"]

    def to(self, device, dtype):
        self.device, self.dtype = device, dtype
        self.d = [{k: (v.to(device, torch.float32) if v.dim() == 1 else v.to(device, dtype)) for k, v in L.items()} for L in self.layers]
        for L, D in zip(self.layers, self.d):
            D["qkv"] = torch.cat([D["q"], D["k"], D["v"]])
            D["gu"] = torch.cat([D["gate"], D["up"]])
        self.demb, self.dfinal = self.emb.to(device, dtype), self.final.to(device)
        return self

    @torch.no_grad()
    def forward(self, b, collect=None, wanted=(), rms=None):
        n = b.tokens.shape[0]
        x = F.embedding(b.tokens, self.demb).float()
        inv = 100000.0 ** (-torch.arange(0, 32, device=x.device) / 32)
        ang = b.pos[:, None].float() * inv
        cos, sin = (f.to(self.dtype)[:, None, :] for f in (ang.cos(), ang.sin()))

        def rope(z):
            a, c = z[..., :32], z[..., 32:]
            return torch.cat([a * cos - c * sin, c * cos + a * sin], -1)

        for i, D in enumerate(self.d):
            y = F.rms_norm(x, (576,), D["n1"], 1e-5).to(self.dtype)
            q, k, v = (y @ D["qkv"].T).split([576, 192, 192], 1)
            q, k = rope(q.reshape(n, 9, 64)), rope(k.reshape(n, 3, 64))
            rep = lambda z: z.repeat_interleave(3, 1)
            o = K.attention(q, rep(k), rep(v.reshape(n, 3, 64)), b, 0, 0.125)
            if rms is not None:
                rms.append(o.float().pow(2).mean((0, 1)).sqrt())
            x = x + o.reshape(n, 576) @ D["o"].T
            y = F.rms_norm(x, (576,), D["n2"], 1e-5).to(self.dtype)
            a, z = (y @ D["gu"].T).chunk(2, 1)
            x = x + K.swiglu(a, z) @ D["down"].T
            if i in wanted:
                collect(i, x)
        return F.rms_norm(x, (576,), self.dfinal, 1e-5).to(self.dtype)


def layer_of(j, layers=CONFIG["layers"]):
    """The teacher's layer that layer j of a student begins as."""
    return round(j * 29 / (layers - 1))


def widened(teacher, i, ffn):
    """gate, up and down of the teacher's layer i with `ffn` neurons: the strongest of them, or all and the strongest of the next layer."""
    strong = lambda T: (T["gate"].norm(dim=1) * T["up"].norm(dim=1) * T["down"].norm(dim=0)).argsort(descending=True)
    T, U = teacher.layers[i], teacher.layers[min(i + 1, 29)]
    n = T["gate"].shape[0]
    mine, next_ = (torch.arange(n), strong(U)[: ffn - n]) if ffn >= n else (strong(T)[:ffn].sort().values, strong(U)[:0])
    return (torch.cat([T["gate"][mine], U["gate"][next_]]), torch.cat([T["up"][mine], U["up"][next_]]), torch.cat([T["down"][:, mine], U["down"][:, next_]], 1))


def grow(student, teacher, sample):
    """Puts the teacher's weights into the student (design: embedded-model.md).

    `sample` (a Batch) sizes the output norm of KDA: the normed and half-gated output starts with the teacher's RMS.
    """
    rms = []
    teacher.forward(sample, rms=rms)
    p, c = student.named(), student.c
    put = lambda n, w: p[n].data.copy_(w)
    put("model.embed_tokens.weight", teacher.emb)
    put("model.norm.weight", teacher.final)
    rep = lambda w: w.view(3, 64, -1).repeat_interleave(3, 0).reshape(576, -1)
    for j in range(c["layers"]):
        i, L = layer_of(j, c["layers"]), f"model.layers.{j}."
        T = teacher.layers[i]
        put(L + "input_layernorm.weight", T["n1"])
        put(L + "post_attention_layernorm.weight", T["n2"])
        for s, w in zip(("gate", "up", "down"), widened(teacher, i, c["ffn"])):
            put(L + f"mlp.{s}_proj.weight", w)
        A = L + "self_attn."
        put(A + "o_proj.weight", T["o"])
        if is_mla(j, c):
            u, s, vt = torch.linalg.svd(torch.cat([T["k"], T["v"]]).double(), full_matrices=False)
            r = c["rank"]
            a = (s[:r].sqrt()[:, None] * vt[:r]).float()
            bb = (u[:, :r] * s[:r].sqrt()).float()
            scale = ((a * T["n1"]) ** 2).sum(1).mean().sqrt()  # RMS of the latent for inputs of unit RMS
            p[A + "kv_a_proj_with_mqa.weight"].data[:r] = a
            p[A + "kv_a_proj_with_mqa.weight"].data[r:] *= 0.5
            p[A + "kv_a_layernorm.weight"].data.fill_(scale.item())
            kb, vb = bb[:192].view(3, 64, r).repeat_interleave(3, 0), bb[192:].view(3, 64, r).repeat_interleave(3, 0)
            put(A + "kv_b_proj.weight", torch.cat([kb, vb], 1).reshape(-1, r))
            q = p[A + "q_proj.weight"].data.view(9, 96, 576)
            q[:, :64] = T["q"].view(9, 64, 576) * math.sqrt(96 / 64)
            q[:, 64:] *= 0.5
        else:
            put(A + "q_proj.weight", T["q"])
            put(A + "k_proj.weight", rep(T["k"]))
            put(A + "v_proj.weight", rep(T["v"]))
            put(A + "o_norm.weight", 2 * rms[i].mean().expand(64))


NEW = ("conv1d", "A_log", "dt_bias", "f_a_proj", "f_b_proj", "g_a_proj", "g_b_proj", ".b_proj", "kv_a_", "kv_b_proj", "o_norm")


def is_new(name):
    return any(s in name for s in NEW)
