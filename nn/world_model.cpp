#include "nn/world_model.h"

#include <algorithm>

#include "nn/images.h"

namespace sinv {
namespace {

constexpr int kLevels = 4;

std::vector<GlorotConv> make_convs(const WorldModelSettings& settings, ParameterStore& store, Random& init) {
  std::vector<GlorotConv> convs;
  for (const ConvShape& shape : encoder_shapes(settings)) {
    convs.emplace_back(text("encoder", convs.size()), shape, store, init);
  }
  return convs;
}

std::vector<GlorotDeconv> make_deconvs(const WorldModelSettings& settings, ParameterStore& store, Random& init) {
  std::vector<GlorotDeconv> deconvs;
  for (const DeconvShape& shape : decoder_shapes(settings)) {
    deconvs.emplace_back(text("decoder", deconvs.size()), shape, store, init);
  }
  return deconvs;
}

int embedding(const WorldModelSettings& settings) {
  return static_cast<int>(encoder_shapes(settings).back().output(1).size());
}

std::vector<DenseLayer> make_dense(const WorldModelSettings& s, ParameterStore& store, Random& init) {
  const int start = static_cast<int>(decoder_shapes(s).front().input(1).size());
  const int joined = s.deter + embedding(s);
  std::vector<DenseLayer> all;
  all.emplace_back("decoder_in", s.feature(), start, store, init, s.latent());
  all.emplace_back("img_in", s.latent() + s.actions, s.hidden, store, init, s.latent());
  all.emplace_back("gru", s.hidden + s.deter, 3 * s.deter, store, init);
  all.emplace_back("img_out", s.deter, s.hidden, store, init);
  all.emplace_back("img_logits", s.hidden, s.latent(), store, init);
  all.emplace_back("obs_out_deter", s.deter, s.hidden, store, init, 0, false, joined);
  all.emplace_back("obs_out_embed", embedding(s), s.hidden, store, init, 0, true, joined);
  all.emplace_back("obs_logits", s.hidden, s.latent(), store, init);
  return all;
}

// The sides from the decoder's first image to the picture, which is the last.
std::vector<std::int64_t> sides(std::int64_t picture) {
  std::vector<std::int64_t> all{picture};
  for (int level = 0; level < kLevels; ++level) {
    const std::int64_t kernel = all.front() % 2 == 0 ? 6 : 5;  // (side - 1) * 2 + kernel has its parity
    all.insert(all.begin(), (all.front() - kernel) / 2 + 1);
  }
  return all;
}

}  // namespace

std::vector<ConvShape> encoder_shapes(const WorldModelSettings& settings) {
  std::vector<ConvShape> shapes;
  ConvShape shape{settings.height, settings.width, settings.history * settings.channels, settings.depth, 4, 2, 0};
  for (int level = 0; level < kLevels; ++level) {
    if (shape.height < 4 || shape.width < 4) {
      throw UserError(text("world model: a picture of ", settings.width, "x", settings.height,
                           " is too small; wanted at least 46 on each side"));
    }
    shapes.push_back(shape);
    shape = {shape.out_height(), shape.out_width(), shape.outputs, 2 * shape.outputs, 4, 2, 0};
  }
  return shapes;
}

std::vector<DeconvShape> decoder_shapes(const WorldModelSettings& settings) {
  const std::vector<std::int64_t> rows = sides(settings.height);
  const std::vector<std::int64_t> columns = sides(settings.width);
  if (rows.front() < 1 || columns.front() < 1) {
    throw UserError(text("world model: a picture of ", settings.width, "x", settings.height,
                         " is too small; wanted at least 64 on each side"));
  }
  // As many numbers as the paper's single position of 32 times depth, but no fewer channels than the first convolution.
  const std::int64_t positions = rows.front() * columns.front();
  std::int64_t channels = std::max<std::int64_t>((32 * settings.depth + positions - 1) / positions, settings.depth);
  std::vector<DeconvShape> shapes;
  for (std::size_t level = 0; level < kLevels; ++level) {
    const std::int64_t kernel = rows[level + 1] % 2 == 0 ? 6 : 5;
    if (columns[level + 1] % 2 != rows[level + 1] % 2) {
      throw UserError(text("world model: a picture of ", settings.width, "x", settings.height,
                           " needs different kernels for its sides; wanted equal sides, such as 64x64 or 96x96"));
    }
    const std::int64_t outputs = level + 1 == kLevels ? settings.channels : settings.depth << (2 - level);
    shapes.push_back({rows[level], columns[level], channels, outputs, kernel, 2});
    channels = outputs;
  }
  return shapes;
}

WorldModel::WorldModel(const WorldModelSettings& settings, ParameterStore& store, Random& init)
    : settings_(settings),
      convs_(make_convs(settings, store, init)),
      deconvs_(make_deconvs(settings, store, init)),
      dense_(make_dense(settings, store, init)),
      norm_("gru_norm", 3 * settings.deter, store),
      reward_("reward", settings.feature(), settings.latent(), settings.units, settings.head_layers, 1, store, init),
      discount_("discount", settings.feature(), settings.latent(), settings.units, settings.head_layers, 1, store,
                init) {}

WorldModelVars WorldModel::record(Tape& tape, ParameterStore& store, const LayerUse& use) const {
  WorldModelVars vars;
  vars.tape_ = &tape;
  vars.settings_ = &settings_;
  for (std::size_t i = 0; i < convs_.size(); ++i) {
    vars.conv_shapes_.push_back(convs_[i].shape());
    vars.convs_.push_back(convs_[i].record(tape, store, {i > 0 && !use.frozen, use.frozen, use.held}));
  }
  for (const GlorotDeconv& layer : deconvs_) {
    vars.deconv_shapes_.push_back(layer.shape());
    vars.deconvs_.push_back(layer.record(tape, store, use));
  }
  LinearVars* const to[] = {&vars.decoder_in_, &vars.img_in_,    &vars.gates_,     &vars.img_out_,
                            &vars.img_logits_, &vars.obs_deter_, &vars.obs_embed_, &vars.obs_logits_};
  for (std::size_t i = 0; i < dense_.size(); ++i) *to[i] = dense_[i].record(tape, store, use);
  vars.norm_ = norm_.record(tape, store);
  if (use.frozen) vars.norm_ = {tape.stop_gradient(vars.norm_.weight), tape.stop_gradient(vars.norm_.bias)};
  vars.reward_ = reward_.record(tape, store, use);
  vars.discount_ = discount_.record(tape, store, use);
  return vars;
}

namespace {
Var dense(Tape& tape, Var x, const LinearVars& layer, Activation activation) {
  return linear(tape, x, layer.weight, layer.bias, activation);
}
}  // namespace

Var WorldModelVars::look(std::span<const std::uint8_t> histories, std::int64_t m) const {
  const WorldModelSettings& sizes = *settings_;
  const Shape shape{m, sizes.height, sizes.width, sizes.history * sizes.channels};
  const Var pictures = frames(*tape_, histories, -0.5F, shape);
  return sizes.history > 1 ? picture_changes(*tape_, pictures, sizes.channels, kChangeScale) : pictures;
}

Var WorldModelVars::embed(Var images) const {
  Var x = images;
  for (std::size_t i = 0; i < convs_.size(); ++i) {
    x = conv(*tape_, conv_shapes_[i], x, convs_[i].weight, convs_[i].bias, Activation::kElu);
  }
  const Shape shape = tape_->shape(x);
  return reshape(*tape_, x, Shape{shape[0], shape[1] * shape[2] * shape[3]});
}

Var WorldModelVars::next_deter(Var stoch, Var action, Var deter) const {
  const Var x = dense(*tape_, concat(*tape_, stoch, action), img_in_, Activation::kElu);
  const Var gates = dense(*tape_, concat(*tape_, x, deter), gates_, Activation::kIdentity);
  return gru(*tape_, gates, norm_.weight, norm_.bias, deter);
}

Var WorldModelVars::prior(Var deter) const {
  return dense(*tape_, dense(*tape_, deter, img_out_, Activation::kElu), img_logits_, Activation::kIdentity);
}

Var WorldModelVars::embedding_part(Var embedding) const {
  return dense(*tape_, embedding, obs_embed_, Activation::kIdentity);
}

Var WorldModelVars::posterior(Var deter, Var embedding_part) const {
  const Var both =
      binary(*tape_, Binary::kAdd, dense(*tape_, deter, obs_deter_, Activation::kIdentity), embedding_part);
  return dense(*tape_, unary(*tape_, Unary::kElu, both), obs_logits_, Activation::kIdentity);
}

Var WorldModelVars::feature(Var stoch, Var deter) const { return concat(*tape_, stoch, deter); }

Var WorldModelVars::decode(Var feature) const {
  Var x = dense(*tape_, feature, decoder_in_, Activation::kIdentity);
  x = reshape(*tape_, x, deconv_shapes_.front().input(tape_->shape(x)[0]));
  for (std::size_t i = 0; i < deconvs_.size(); ++i) {
    const bool last = i + 1 == deconvs_.size();
    x = deconv(*tape_, deconv_shapes_[i], x, deconvs_[i].weight, deconvs_[i].bias,
               last ? Activation::kIdentity : Activation::kElu);
  }
  return x;
}

Var WorldModelVars::reward(Var feature) const { return apply_head(*tape_, reward_, feature); }
Var WorldModelVars::discount_logit(Var feature) const { return apply_head(*tape_, discount_, feature); }

}  // namespace sinv
