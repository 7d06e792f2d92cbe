// llama_logits MODEL.gguf IDS OUT.npy: logits after every token id, float32 [tokens, vocabulary].
// IDS is a file of numbers between white space. Cache in float32, no flash attention, two threads:
// what is left between llama.cpp and the mathematics is how it rounds activations.
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

#include "llama.h"

int main(int argc, char **argv) {
    if (argc != 4) return 64;
    std::vector<llama_token> ids;
    std::ifstream in(argv[2]);
    for (int id; in >> id;) ids.push_back(id);
    llama_log_set([](ggml_log_level level, const char *text, void *) {
        if (level >= GGML_LOG_LEVEL_ERROR) fputs(text, stderr);
    }, nullptr);
    llama_backend_init();
    llama_model *model = llama_model_load_from_file(argv[1], llama_model_default_params());
    if (!model) return 1;
    llama_context_params params = llama_context_default_params();
    params.n_ctx = (uint32_t)ids.size();
    params.n_batch = params.n_ubatch = 512;
    params.n_threads = params.n_threads_batch = 2;
    params.type_k = params.type_v = GGML_TYPE_F32;
    params.flash_attn_type = LLAMA_FLASH_ATTN_TYPE_DISABLED;
    llama_context *context = llama_init_from_model(model, params);
    if (!context) return 1;
    const int vocabulary = llama_vocab_n_tokens(llama_model_get_vocab(model));
    FILE *out = fopen(argv[3], "wb");
    if (!out) return 1;
    std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (" + std::to_string(ids.size()) +
                         ", " + std::to_string(vocabulary) + "), }";
    header += std::string(63 - (10 + header.size()) % 64, ' ') + "\n";
    const unsigned char start[10] = {0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, (unsigned char)(header.size() & 255),
                                     (unsigned char)(header.size() >> 8)};
    fwrite(start, 1, 10, out);
    fwrite(header.data(), 1, header.size(), out);
    for (size_t at = 0; at < ids.size(); at += 512) {
        const int count = (int)std::min<size_t>(512, ids.size() - at);
        llama_batch batch = llama_batch_init(count, 0, 1);
        batch.n_tokens = count;
        for (int i = 0; i < count; i++) {
            batch.token[i] = ids[at + i];
            batch.pos[i] = (llama_pos)(at + i);
            batch.n_seq_id[i] = 1;
            batch.seq_id[i][0] = 0;
            batch.logits[i] = 1;
        }
        if (llama_decode(context, batch) != 0) return 1;
        for (int i = 0; i < count; i++) fwrite(llama_get_logits_ith(context, i), 4, vocabulary, out);
        llama_batch_free(batch);
    }
    fclose(out);
    return 0;
}
