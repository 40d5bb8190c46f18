"""The small helpers of 1.x, imported when first asked for: ``import mmcv.utils`` loads no torch."""

from mmcv.lazy import lazy_names

_HOMES = {
    "mmcv.config": "Config ConfigDict DictAction",
    "mmcv.registry": "Registry build_from_cfg",
    "mmcv.utils.device_type": (
        "IS_CUDA_AVAILABLE IS_IPU_AVAILABLE IS_MLU_AVAILABLE IS_MPS_AVAILABLE IS_NPU_AVAILABLE"
    ),
    "mmcv.utils.env": "collect_env",
    "mmcv.utils.logging": "get_logger logger_initialized print_log",
    "mmcv.utils.misc": (
        "check_prerequisites concat_list deprecated_api_warning has_method"
        " import_modules_from_strings is_list_of is_method_overridden is_seq_of is_str is_tuple_of"
        " iter_cast list_cast requires_executable requires_package slice_list to_1tuple to_2tuple"
        " to_3tuple to_4tuple to_ntuple tuple_cast"
    ),
    "mmcv.utils.parrots_jit": "jit skip_no_elena",
    "mmcv.utils.parrots_wrapper": (
        "CUDA_HOME TORCH_VERSION BuildExtension CUDAExtension CppExtension DataLoader"
        " PoolDataLoader SyncBatchNorm _AdaptiveAvgPoolNd _AdaptiveMaxPoolNd _AvgPoolNd _BatchNorm"
        " _ConvNd _ConvTransposeMixin _InstanceNorm _MaxPoolNd get_build_config is_rocm_pytorch"
    ),
    "mmcv.utils.path": (
        "check_file_exist find_vcs_root fopen is_filepath mkdir_or_exist scandir symlink"
    ),
    "mmcv.utils.progressbar": (
        "ProgressBar track_iter_progress track_parallel_progress track_progress"
    ),
    "mmcv.utils.testing": (
        "assert_attrs_equal assert_dict_contains_subset assert_dict_has_keys assert_is_norm_layer"
        " assert_keys_equal assert_params_all_zeros check_python_script"
    ),
    "mmcv.utils.timer": "Timer TimerError check_time",
    "mmcv.utils.torch_ops": "is_jit_tracing torch_meshgrid",
    "mmcv.utils.version_utils": "digit_version get_git_hash parse_version_info",
}

__getattr__, __dir__, __all__ = lazy_names(__name__, _HOMES)
