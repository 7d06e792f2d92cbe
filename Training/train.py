"""Distillation, fine-tune and quantization-aware training of the bundled model, by wall clock, in one process.

  python train.py WORK DATA TOKENIZER   (WORK holds deadlines.json and receives log, checkpoints, results)

It needs WORK/teacher.gguf, WORK/stream.npy, WORK/held.npy (tokens.py) and WORK/mix*.npz (mixture.py) and waits for
them, tuning the kernels meanwhile. WORK/start.pt, where it lies there, is where distillation begins instead of the teacher. WORK/deadlines.json = {"distil": epoch seconds, "tune": ..., "qat": ...} is read again
every ten steps, so the plan can be changed while it runs. Every phase ends with a checkpoint; a restart goes on from the last.
With WORLD=2 and RANK=0 and 1 in two processes the batch is spread over two GPUs; rank 0 keeps the time for both.
On a CPU (DEVICE=cpu) the same chain runs in small for a smoke test.
"""
import glob
import json
import math
import os
import sys
import time
import traceback

import numpy as np
import torch
import torch.distributed as dist
import torch.nn.functional as F

from model import Batch, K, Student, Teacher, _Int8Rows, _Straight, grid, grow, is_new, kind, layer_of, use_gpu_kernels
from mixture import ALL_CORPORA as CORPORA

WORK, DATA, TOKENIZER = sys.argv[1:4]
DEV = os.environ.get("DEVICE", "cuda")
CPU = DEV == "cpu"
RANK, WORLD = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD", 1))
N = int(os.environ.get("TOKENS", 32768))
ROW = int(os.environ.get("ROW", 2048))
LONG = 8192
DTYPE = torch.float32 if CPU else torch.bfloat16
LR = dict(distil=float(os.environ.get("LR", 1.0e-3)), tune=float(os.environ.get("LR_TUNE", 4e-4)), qat=float(os.environ.get("LR_QAT", 2e-4)))
KL_WEIGHT = dict(tune=0.8, qat=float(os.environ.get("KL_QAT", 0.8)))  # of the general text beside the tasks
GENERAL = dict(tune=0.25, qat=float(os.environ.get("GENERAL_QAT", 0.25)))  # its share of the tokens
START = time.time()
logf = open(f"{WORK}/log{RANK or ''}", "a", buffering=1)
CLOCK = None  # the group in which rank 0 tells the others when to stop and where they are


def log(*a):
    s = f"[{time.time() - START:7.1f}] " + " ".join(str(x) for x in a)
    print(s, flush=True)
    logf.write(s + "\n")


def wait_for(*paths):
    told = False
    while not all(os.path.exists(f"{WORK}/{p}") for p in paths):
        if not told:
            log("waiting for", paths)
            told = True
        time.sleep(0.3)


# ---------------------------------------------------------------- several GPUs

def from_first(*values):
    """The values of rank 0, for all ranks."""
    if WORLD == 1:
        return values
    t = torch.tensor(values, dtype=torch.float64)
    dist.broadcast(t, 0, group=CLOCK)
    return t.tolist()


def summed(*values):
    if WORLD == 1:
        return values
    t = torch.tensor(values, dtype=torch.float64)
    dist.all_reduce(t, group=CLOCK)
    return t.tolist()


def average_gradients(model):
    if WORLD == 1:
        return
    grads = [p.grad for p in model.parameters() if p.grad is not None]
    flat = torch.cat([g.reshape(-1) for g in grads])
    dist.all_reduce(flat)
    flat /= WORLD
    for g, x in zip(grads, flat.split([g.numel() for g in grads])):
        g.copy_(x.view_as(g))


# ---------------------------------------------------------------- loss

USE_TRITON_LOSS = False
if not CPU:
    try:
        import triton
        import triton.language as tl

        @triton.jit
        def _kl_kernel(s_ptr, t_ptr, w_ptr, loss_ptr, V, BLOCK: tl.constexpr):
            """One row: loss = w * KL(softmax(t) | softmax(s)); s is replaced by w * (softmax(s) - softmax(t))."""
            row = tl.program_id(0).to(tl.int64)
            s_ptr += row * V
            t_ptr += row * V
            o = tl.arange(0, BLOCK)
            ms = -1e30
            mt = -1e30
            zs = 0.0
            zt = 0.0
            acc = 0.0  # sum exp(t - mt) * (t - s)
            for i in range(0, V, BLOCK):
                a = tl.load(s_ptr + i + o).to(tl.float32)
                b = tl.load(t_ptr + i + o).to(tl.float32)
                m1 = tl.maximum(ms, tl.max(a, 0))
                m2 = tl.maximum(mt, tl.max(b, 0))
                zs = zs * tl.exp(ms - m1) + tl.sum(tl.exp(a - m1), 0)
                e = tl.exp(b - m2)
                zt = zt * tl.exp(mt - m2) + tl.sum(e, 0)
                acc = acc * tl.exp(mt - m2) + tl.sum(e * (b - a), 0)
                ms = m1
                mt = m2
            w = tl.load(w_ptr + row)
            kl = acc / zt - (mt + tl.log(zt)) + (ms + tl.log(zs))
            tl.store(loss_ptr + row, kl * w)
            for i in range(0, V, BLOCK):
                a = tl.load(s_ptr + i + o).to(tl.float32)
                b = tl.load(t_ptr + i + o).to(tl.float32)
                g = tl.exp(a - ms) / zs - tl.exp(b - mt) / zt
                tl.store(s_ptr + i + o, (g * w).to(s_ptr.dtype.element_ty))
    except Exception as e:
        log("no triton:", e)


def kl_rows(s, t, w):
    """s, t [n,V] logits, w [n]. Returns (sum of w*KL, gradient over s)."""
    if USE_TRITON_LOSS:
        loss = torch.empty(s.shape[0], device=s.device)
        _kl_kernel[(s.shape[0],)](s, t, w, loss, s.shape[1], BLOCK=4096, num_warps=8)
        return loss.sum(), s
    ls, lt = torch.log_softmax(s.float(), -1), torch.log_softmax(t.float(), -1)
    pt = lt.exp()
    loss = ((pt * (lt - ls)).sum(-1) * w).sum()
    return loss, ((ls.exp() - pt) * w[:, None]).to(s.dtype)


def ce_rows(s, y, w):
    ls = torch.log_softmax(s.float(), -1)
    loss = -(ls.gather(1, y[:, None])[:, 0] * w).sum()
    g = ls.exp_()
    g.scatter_add_(1, y[:, None], torch.full_like(y[:, None], -1, dtype=g.dtype))
    return loss, (g * w[:, None]).to(s.dtype)


class HeadLoss(torch.autograd.Function):
    """Loss over the tied head in pieces, without ever holding all logits. mode: ('kl', teacher hidden, teacher emb) or ('ce', targets)."""

    @staticmethod
    def forward(ctx, h, emb, w, mode, *rest):
        gh, ge, total = torch.empty_like(h), torch.zeros(emb.shape, device=emb.device, dtype=torch.float32), 0.0
        step = 256 if CPU else 8192
        for i in range(0, h.shape[0], step):
            x = h[i: i + step]
            s = x @ emb.T
            if mode == "kl":
                loss, g = kl_rows(s, rest[0][i: i + step] @ rest[1].T, w[i: i + step])
            else:
                loss, g = ce_rows(s, rest[0][i: i + step], w[i: i + step])
            total = total + loss
            gh[i: i + step] = g @ emb
            ge += g.T @ x
        ctx.save_for_backward(gh, ge)
        ctx.dtypes = h.dtype, emb.dtype
        return total

    @staticmethod
    def backward(ctx, d):
        gh, ge = ctx.saved_tensors
        return (gh * d).to(ctx.dtypes[0]), (ge * d).to(ctx.dtypes[1]), None, None, None, None


# ---------------------------------------------------------------- data

class Stream:
    def __init__(self, path):
        self.a, self.seen = np.load(path), 0
        self.at = len(self.a) * RANK // WORLD

    def take(self, n, length):
        if self.at + n > len(self.a):
            self.at = (self.at * 7 + 911) % max(1, min(length, len(self.a) - n))
        x = self.a[self.at: self.at + n].astype(np.int64)
        self.at += n
        self.seen += n
        return x, [length] * (n // length)


class Mixed:
    """The examples of the files of one pattern, file after file."""

    def __init__(self, pattern):
        self.pattern, self.used, self.z, self.i = pattern, 0, None, 0

    def next(self):
        while self.z is None or self.i >= len(self.z["offsets"]) - 1:
            files = [f for f in sorted(glob.glob(self.pattern)) if ".tmp" not in f]
            z = np.load(files[(self.used * WORLD + RANK) % len(files)])
            self.z = {k: z[k] for k in z.files}
            self.first = np.searchsorted(self.z["answers"][:, 0], np.arange(len(self.z["offsets"])))
            self.used += 1
            self.i = 0
        o, i = self.z["offsets"], self.i
        self.i += 1
        return self.z["tokens"][o[i]: o[i + 1]], self.z["answers"][self.first[i]: self.first[i + 1], 1:].tolist()


class Examples:
    """Packs examples of one or more mixtures, by shares, into rows; what is left of a row is one dummy sequence."""

    def __init__(self, *patterns, shares=None):
        self.mixtures, self.shares, self.pool, self.rng = [Mixed(p) for p in patterns], shares, [], np.random.default_rng(9 + RANK)

    def next(self):
        return self.mixtures[self.rng.choice(len(self.mixtures), p=self.shares)].next()

    def take(self, n, row):
        """Returns tokens [n], lengths, positions whose next token counts, weights."""
        tokens, lengths, pos, wt = np.zeros(n, np.int64), [], [], []
        for r in range(n // row):
            left, at, misses = row, r * row, 0
            while left > 16 and misses < 6:
                k = next((k for k, (t, a) in enumerate(self.pool) if len(t) <= left), None)
                if k is None:
                    e = self.next()
                    if len(e[0]) > row:
                        continue
                    if len(e[0]) > left:
                        misses += 1
                        if len(self.pool) < 64:
                            self.pool.append(e)
                        continue
                else:
                    e = self.pool.pop(k)
                t, answers = e
                tokens[at: at + len(t)] = t
                for a, b in answers:
                    pos.append(np.arange(at + a - 1, at + b - 1))
                    wt.append(np.full(b - a, (b - a) ** -0.5, np.float32))
                lengths.append(len(t))
                at += len(t)
                left -= len(t)
            if left:
                lengths.append(left)
        return tokens, lengths, np.concatenate(pos), np.concatenate(wt)


# ---------------------------------------------------------------- evaluation

@torch.no_grad()
def held_loss(model, tokens, rows, length, teacher=None):
    out = []
    if rows == 0:
        return None
    per = max(1, N // length)
    for i in range(0, rows, per):
        x = tokens[i * length: (i + per) * length].astype(np.int64)
        b = Batch(x, [length] * (len(x) // length), DEV)
        h = teacher.forward(b) if teacher else model.forward(b)
        emb = teacher.demb if teacher else model.emb
        keep = torch.arange(len(x), device=DEV) % length != length - 1
        idx = torch.nonzero(keep)[:, 0]
        y = b.tokens[idx + 1]
        ls = torch.cat([F.cross_entropy((h[j] @ emb.T).float(), z, reduction="none") for j, z in zip(idx.split(4096), y.split(4096))])
        out.append(ls)
    ls = torch.cat(out).view(-1, length - 1)
    return round(ls.mean().item(), 4), round(ls[:, length // 2:].mean().item(), 4)


@torch.no_grad()
def scores(model, items, states=None):
    """items: (prompt ids, candidate answers, index of the right one). The log likelihood of each whole answer, item by item; `states` receives the last hidden state before one."""
    jobs = []
    for n, (head, cand, _) in enumerate(items):
        if len({c[0] for c in cand}) == len(cand):
            jobs.append((n, -1, head, cand))
        else:
            jobs += [(n, k, head + c[:-1], c) for k, c in enumerate(cand)]
    jobs.sort(key=lambda j: len(j[2]))
    score = [np.zeros(len(c)) for _, c, _ in items]
    i = 0
    while i < len(jobs):
        chunk, used = [], 0
        while i < len(jobs) and (not chunk or used + len(jobs[i][2]) <= N):
            chunk.append(jobs[i])
            used += len(jobs[i][2])
            i += 1
        flat = np.concatenate([np.asarray(j[2]) for j in chunk])
        lengths = [len(j[2]) for j in chunk]
        pad = (-used) % ROW if K.attention.__name__ == "attention_masked" else 0
        b = Batch(np.concatenate([flat, np.zeros(pad, np.int64)]), lengths + ([pad] if pad else []), DEV)
        h = model.forward(b)
        ends = np.cumsum(lengths)
        idx = np.concatenate([np.arange(e - (1 if j[1] < 0 else len(j[3])), e) for j, e in zip(chunk, ends)])
        lp = torch.cat([(h[x] @ model.emb.T).float() for x in torch.as_tensor(idx).to(DEV).split(2048)])
        lp = torch.log_softmax(lp, -1)
        at = 0
        picks, where = [], []
        for j, e in zip(chunk, ends):
            if states is not None:
                states[j[0]] = h[e - (1 if j[1] < 0 else len(j[3]))].half().cpu().numpy()
            if j[1] < 0:
                for k, c in enumerate(j[3]):
                    picks.append((at, c[0]))
                    where.append((j[0], k))
                at += 1
            else:
                for c in j[3]:
                    picks.append((at, c))
                    where.append((j[0], j[1]))
                    at += 1
        p = torch.as_tensor(picks).to(DEV)
        v = lp[p[:, 0], p[:, 1]].float().cpu().numpy()
        for (n, k), x in zip(where, v):
            score[n][k] += x
    return score


def accuracy(model, items):
    items = items[RANK::WORLD]
    right, n = summed(sum(int(np.argmax(s)) == i for s, (_, _, i) in zip(scores(model, items), items)), len(items))
    return round(100 * right / max(1, n), 2)


def evaluate(model, sets, tag):
    t = time.time()
    r = {}
    for name, items in sets.items():
        r[name] = accuracy(model, items)
    mails = [n for n in CORPORA if isinstance(r.get(n), float)]
    if mails:
        r["mail together"] = round(sum(r[n] * len(sets[n]) for n in mails) / sum(len(sets[n]) for n in mails), 3)
    log("EVAL", tag, json.dumps(r), f"{time.time() - t:.1f}s")
    return r


# ---------------------------------------------------------------- training

def deadline(phase):
    return json.load(open(f"{WORK}/deadlines.json"))[phase]


def optimizer(model):
    groups = {}
    for n, t in model.named().items():
        groups.setdefault(is_new(n), []).append(t)
    return torch.optim.AdamW([dict(params=p, scale=2.0 if new else 1.0) for new, p in groups.items()], lr=1e-3, betas=(0.9, 0.95), eps=1e-8, weight_decay=0.0, fused=not CPU)


def save(model, name):
    if RANK:
        return
    torch.save({n: t.detach().cpu() for n, t in model.named().items()}, f"{WORK}/{name}.tmp")
    os.replace(f"{WORK}/{name}.tmp", f"{WORK}/{name}.pt")
    log("saved", name)


def run_phase(phase, model, teacher, stream, examples, grown, name=None, rate=None):
    """One phase up to the deadline of `name` (the phase's own where it is None), with its own optimizer and learning rate."""
    name, rate = name or phase, rate or LR[phase]
    opt = optimizer(model)
    begin, step, end = time.time(), 0, deadline(name)
    floor = dict(distil=0.3, tune=0.6, qat=0.02)[phase]
    warm = dict(distil=60, tune=20, qat=10)[phase]
    mx, rng, avg = float(os.environ.get("MAXSTEPS", 1e9)), np.random.default_rng(5 + RANK), None
    long_ok = K.attention.__name__ == "attention_flash" and N % LONG == 0
    seen = tasks = 0
    profile = None
    while True:
        if step % 10 == 0:
            end = deadline(name)
        f = min(1.0, (time.time() - begin) / max(1.0, end - begin))
        f, stop = from_first(f, float(time.time() >= end or step >= mx))
        if stop:
            break
        if phase == "distil" and step == 40 and RANK == 0 and not CPU:
            profile = torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CUDA])
            profile.start()
        lr = rate * min(1, (step + 1) / warm) * (floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * f)))
        for g in opt.param_groups:
            g["lr"] = lr * g["scale"]
        stats = {}
        # Now and then a wider window or none, so that `--window none` is no surprise to the model.
        model.window = int(rng.choice([model.c["window"], 4096, 0], p=[0.7, 0.15, 0.15]))
        if phase == "distil":
            x, lengths = stream.take(N, LONG if long_ok and rng.random() < 0.15 else ROW)
            b = Batch(x, lengths, DEV)
            weight = max(0.0, 1 - 2 * f) if grown else 0.0
            kept, al = {}, []
            if weight > 0:
                layers = model.c["layers"]
                wanted = {layer_of(j, layers) for j in range(layers)}
                th = teacher.forward(b, lambda i, z: kept.__setitem__(i, z), wanted)

                def collect(j, z):
                    t = kept[layer_of(j, layers)]
                    al.append(((z - t).pow(2).sum(-1) / t.pow(2).sum(-1).clamp_min(1e-6)).clamp_max(4).mean())

                h = model.forward(b, collect)
            else:
                th = teacher.forward(b)
                h = model.forward(b)
            w = torch.full((N,), 1.0 / N, device=DEV)
            kl = HeadLoss.apply(h, model.emb, w, "kl", th, teacher.demb)
            loss = kl
            stats["kl"] = kl.detach()
            if al:
                a = sum(al) / len(al)
                loss = loss + weight * a
                stats["align"] = a.detach()
        else:
            ng = int(N * GENERAL[phase]) // ROW * ROW
            x1, l1 = stream.take(ng, ROW)
            x2, l2, pos, wt = examples.take(N - ng, N - ng if long_ok else ROW)
            tasks += len(wt)
            bg = Batch(x1, l1, DEV)
            th = teacher.forward(bg)
            b = Batch(np.concatenate([x1, x2]), l1 + l2, DEV)
            h = model.forward(b)
            w = torch.full((ng,), 1.0 / ng, device=DEV)
            kl = HeadLoss.apply(h[:ng], model.emb, w, "kl", th, teacher.demb)
            idx = torch.as_tensor(pos + ng).to(DEV)
            wt = torch.as_tensor(wt / wt.sum()).to(DEV)
            ce = HeadLoss.apply(h[idx], model.emb, wt, "ce", b.tokens[idx + 1])
            loss = ce + KL_WEIGHT[phase] * kl
            stats["kl"], stats["ce"] = kl.detach(), ce.detach()
        opt.zero_grad(set_to_none=True)
        loss.backward()
        average_gradients(model)
        gn = torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        if torch.isfinite(gn):
            opt.step()
        else:
            log("gradient is not finite at step", step)
        seen += N * WORLD
        step += 1
        if profile and step == 42:
            torch.cuda.synchronize()
            profile.stop()
            open(f"{WORK}/profile", "w").write(profile.key_averages().table(sort_by="self_cuda_time_total", row_limit=40, max_name_column_width=60))
            profile = None
        stats["gn"] = gn.detach()
        avg = stats if avg is None else {k: avg.get(k, v) * 0.95 + v * 0.05 for k, v in stats.items()}
        if step in (1, 3, 10, 30) or step % 100 == 0:
            now = time.time()
            log(name, "step", step, f"{seen / 1e6:.1f}M", {k: round(v.item(), 4) for k, v in avg.items()}, f"lr {lr:.2e} {seen / (now - begin) / 1e3:.1f}k tok/s", f"left {end - now:.0f}s", f"{torch.cuda.max_memory_allocated() / 2**30:.1f}GiB" if not CPU else "")
    model.window = model.c["window"]
    log("phase", name, "ended:", step, "steps", seen, "tokens", "answer tokens", tasks, f"{time.time() - begin:.0f}s")


def prepare():
    """The model, with kernels compiled and tuned; None where only that was asked for (PRETUNE)."""
    global USE_TRITON_LOSS
    global CLOCK
    torch.manual_seed(0)
    model = Student()
    model.cast = None if CPU else DTYPE
    if WORLD > 1:
        if not CPU:
            torch.cuda.set_device(RANK)
        dist.init_process_group("gloo" if CPU else "nccl", rank=RANK, world_size=WORLD)
        CLOCK = dist.new_group(backend="gloo")
    if not CPU:
        torch.backends.cuda.matmul.allow_tf32 = True
        use_gpu_kernels(log, N, ROW)
        if "PRETUNE" in os.environ:
            return None
        model.to(DEV)
        try:
            s, t, w = torch.randn(64, 49152, device=DEV).bfloat16() * 3, torch.randn(64, 49152, device=DEV).bfloat16() * 3, torch.rand(64, device=DEV)
            l0, g0 = kl_rows(s, t, w)
            USE_TRITON_LOSS = True
            l1, g1 = kl_rows(s.clone(), t, w)
            e = ((g0 - g1).float().norm() / g0.float().norm()).item()
            log("triton loss", l0.item(), l1.item(), e)
            USE_TRITON_LOSS = abs(l0.item() / l1.item() - 1) < 1e-3 and e < 0.02
        except Exception as e:
            USE_TRITON_LOSS = False
            log("triton loss failed", repr(e)[:300])
        b = Batch(np.random.randint(17, 49152, N), [ROW] * (N // ROW), DEV)
        h = model.forward(b)
        HeadLoss.apply(h, model.emb, torch.full((N,), 1.0 / N, device=DEV), "ce", b.tokens).backward()
        model.zero_grad(set_to_none=True)
        torch.cuda.synchronize()
        log("kernels tuned")
    open(f"{WORK}/tuned", "w").close()
    return model


def load(model, path):
    sd = torch.load(path)
    for n, t in model.named().items():
        t.data.copy_(sd[n])


def grow_from(teacher, model):
    teacher.to(DEV, DTYPE)
    x = np.load(f"{WORK}/held.npy")[: 4 * 2048 if not CPU else 64].astype(np.int64)
    grow(model, teacher, Batch(x, [2048] * 4 if not CPU else [64], DEV))


def go_on_with_shipped(model, teacher, stream, held, rows, results):
    """Quantization-aware training of WORK/ship.pt on WORK/ship/mix*.npz until the deadline `qat`, where these are there."""
    if not os.path.exists(f"{WORK}/ship.pt"):
        return
    load(model, f"{WORK}/ship.pt")
    teacher.to(DEV, DTYPE)
    wait_for("ship/mix000.npz", "eval.npz")
    z = np.load(f"{WORK}/eval.npz", allow_pickle=True)
    sets = {k: list(z[k])[: 1 if CPU else None] for k in z.files}
    model.quant = model.act_quant = True
    run_phase("qat", model, teacher, stream, Examples(f"{WORK}/ship/mix*.npz"), True)
    save(model, "qat")
    open(f"{WORK}/trained", "w").close()
    results["shipped on"] = dict(held=held_loss(model, held, rows, ROW), **evaluate(model, sets, "4 bits"))
    json.dump(results, open(f"{WORK}/results.json", "w"), indent=1)


def main():
    model = prepare()
    if model is None:
        return
    wait_for("teacher.gguf", "stream.npy", "held.npy", "deadlines.json")
    teacher = Teacher(f"{WORK}/teacher.gguf")
    done = [p for p in ("distil", "tune", "qat") if os.path.exists(f"{WORK}/{p}.pt")]
    begun = done[-1] if done else "start" if os.path.exists(f"{WORK}/start.pt") else None
    grown = begun is None
    if begun:
        load(model, f"{WORK}/{begun}.pt")
        log("continued after", begun)
    else:
        grow_from(teacher, model)
    teacher.to(DEV, DTYPE)
    stream, held, examples = Stream(f"{WORK}/stream.npy"), np.load(f"{WORK}/held.npy"), Examples(f"{WORK}/mix*.npz")
    log("stream", len(stream.a), "held", len(held))
    rows = 0 if CPU else 64
    rows = min(rows, len(held) // ROW)
    if WORLD > 1:
        for p in model.parameters():
            dist.broadcast(p.data, 0)
    if not done:
        log("teacher held-out loss", held_loss(None, held, rows, ROW, teacher), "student before", held_loss(model, held, rows, ROW))
    results = {}

    def measure(tag, sets):
        results[tag] = dict(held=held_loss(model, held, rows, ROW))
        log("held-out loss", tag, results[tag]["held"])
        if sets:
            results[tag].update(evaluate(model, sets, tag))
        if RANK == 0:
            json.dump(results, open(f"{WORK}/results.json", "w"), indent=1)

    if "distil" not in done:
        run_phase("distil", model, teacher, stream, examples, grown)
        save(model, "distil")
        measure("distilled", None)
    wait_for("mix000.npz", "eval.npz")
    z = np.load(f"{WORK}/eval.npz", allow_pickle=True)
    sets = {k: list(z[k]) for k in z.files}
    if CPU:
        sets = {k: [(h[-60:], c, i) for h, c, i in v[:2]] for k, v in sets.items()}
    small = {k: v[: (2 if CPU else 400)] for k, v in sets.items()}
    if "tune" not in done:
        run_phase("tune", model, teacher, stream, examples, grown)
        save(model, "tune")
        measure("tuned", {k: v for k, v in small.items() if k != "20news"})
    model.quant = model.act_quant = True
    if "qat" not in done:
        run_phase("qat", model, teacher, stream, examples, grown)
        save(model, "qat")
    if RANK == 0:
        open(f"{WORK}/trained", "w").close()
    measure("4 bits", small if CPU else sets)
    model.quant = model.act_quant = False
    measure("masters without rounding", {k: v for k, v in small.items() if k != "20news"})
    if RANK == 0:
        open(f"{WORK}/done", "w").close()
    log("done")
    if WORLD > 1:
        dist.destroy_process_group()


if __name__ == "__main__":
    try:
        main()
    except BaseException:
        log("FAILED", traceback.format_exc())
        raise
